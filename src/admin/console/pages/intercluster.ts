import { type Fragment, markup } from '../html.ts';
import type { Page } from '../page.ts';
import { dataTable, panel } from '../parts.ts';

/** Peer clusters, as the command shows them. */
export const interclusterPage: Page = {
  path: '/intercluster',
  title: 'Intercluster',
  section: 'Cluster',
  topics: ['changes'],
  async render(call) {
    if (!call.has('peer list')) {
      return {
        live: markup`<p class="empty">This node knows no other clusters: the Intercluster Sync Agent is not part of it.</p>`,
      };
    }
    const peers = await call.show<readonly Readonly<Record<string, unknown>>[]>('peer list');
    const columns = [...new Set(peers.flatMap((peer) => Object.keys(peer)))];
    return {
      live: panel(
        'Peer clusters',
        dataTable(
          'Peer clusters',
          columns,
          peers.map((peer) => columns.map((column) => cell(peer[column]))),
          'No peer yet. Add one with: imp peer add',
        ),
      ),
    };
  },
};

function cell(value: unknown): Fragment {
  if (value === null || value === undefined) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
