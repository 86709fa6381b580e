import type { PeerRow } from '../../commands/peer.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { action, badge, facts, type Tone, time } from '../parts.ts';

const TONES: Readonly<Record<string, Tone>> = { Synced: 'good', Failed: 'bad', Paused: 'quiet' };

/** Peer clusters: where the sync with each stands, and why. */
export const interclusterPage: Page = {
  path: '/intercluster',
  title: 'Intercluster',
  section: 'Cluster',
  topics: ['changes', 'services'],
  async render(call) {
    const peers = await call.show<readonly PeerRow[]>('peer list');
    return {
      live:
        peers.length === 0
          ? markup`<p class="empty">This cluster has no peers. Add one with <code>imp peer add URL --user NAME</code>; the password is read from standard input.</p>`
          : markup`<ul class="cards">${peers.map(
              (peer) => markup`<li class="card"><h3>${peer.name || peer.url}</h3>
<p>${badge(TONES[peer.state] ?? 'busy', peer.state)} ${peer.isStale ? badge('bad', 'stale') : null}</p><p>${peer.detail}</p>
${facts([
  ['URL', peer.url],
  ['User there', peer.user],
  ['Version', peer.version],
  ['Users', peer.hidden === 0 ? peer.users : `${peer.users}, of them ${peer.hidden} not used`],
  ['Nodes', peer.nodes],
  ['Nodes that do not answer', peer.nodesDown.join(', ')],
  ['Last good sync', time(peer.lastGood)],
  ['Next try', time(peer.nextTry)],
])}
<div class="actions">${action(call, 'peer sync', 'Sync', {
                fields: { peer: String(peer.id) },
                name: `Sync with ${peer.name || peer.url}`,
              })}${action(call, 'peer sync', 'Full sync', {
                fields: { peer: String(peer.id), full: 'on' },
                name: `Full sync with ${peer.name || peer.url}`,
              })}</div></li>`,
            )}</ul>`,
    };
  },
};
