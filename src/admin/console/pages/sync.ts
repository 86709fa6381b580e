import type { SyncStatus } from '../../commands/sync.ts';
import { type Fragment, markup } from '../html.ts';
import type { Page } from '../page.ts';
import { action, dataTable, facts, panel, time } from '../parts.ts';

export const syncPage: Page = {
  path: '/sync',
  title: 'Sync',
  section: 'Data',
  topics: ['sync'],
  async render(call) {
    const { runs, ...sync } = await call.show<SyncStatus>('sync status');
    const [latest, ...before] = runs;
    return {
      fixed:
        call.caller.role !== 'operate'
          ? markup``
          : panel(
              'Sync now',
              markup`<p>CUCM's changes are followed by themselves. A full sync compares everything.</p>`,
              markup`<div class="actions">${action(call, 'sync', 'Sync changes', { tone: 'main' })}
${action(call, 'sync', 'Full sync', {
  fields: { full: 'on' },
  inputs: markup`<label class="tick"><input type="checkbox" name="acceptDeletions"> delete users even if CUCM returns less than half of them</label>`,
})}</div>`,
            ),
      live: markup`
${panel(
  'State',
  markup`<p role="status">${sync.sentence}</p>`,
  facts([
    ['State', sync.state],
    ['In the product’s words', sync.syncStatus],
    ['Last full sync', time(sync.fullSyncAt)],
    ['Last change', time(sync.lastChangeAt)],
    ['Errors since the start', sync.errors],
  ]),
)}
${panel('Stages of the latest sync', latest ? stages(latest.stages) : markup`<p class="empty">No sync since the node started.</p>`)}
${panel(
  'Before',
  dataTable(
    'Syncs before the latest one',
    ['Began', 'Ended', 'Stages'],
    before.map((run) => [time(run.startedAt), time(run.lastAt), run.stages.map(({ stage }) => stage).join(', ')]),
    'None since the node started.',
  ),
)}`,
    };
  },
};

function stages(all: SyncStatus['runs'][number]['stages']): Fragment {
  return dataTable(
    'Stages',
    ['Stage', 'Done', '', 'Last heard'],
    all.map(({ stage, done, total, lastAt }) => [
      stage,
      total === null ? String(done) : `${done} of ${total}`,
      total === null || total === 0
        ? null
        : markup`<progress max="${total}" value="${done}" aria-label="${stage}">${Math.round((done / total) * 100)} %</progress>`,
      time(lastAt),
    ]),
  );
}
