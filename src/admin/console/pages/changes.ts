import type { ChangeItem } from '../../commands/changes.ts';
import { type Fragment, markup } from '../html.ts';
import type { Page } from '../page.ts';
import { badge, link, panel, time } from '../parts.ts';

const SHOWN = 50;

/** The trace of the change feed: what changed, who has handled it and how soon, who has not yet. */
export const changesPage: Page = {
  path: '/changes',
  title: 'Changes',
  section: 'Data',
  topics: ['changes'],
  async render(call) {
    const items = await call.show<readonly ChangeItem[]>('changes', { limit: SHOWN });
    const changes = items.filter((each) => each.type === 'change').toReversed();
    return {
      live: panel(
        'Latest changes',
        markup`<p>The newest ${SHOWN} rows of the change log, and every component that has handled them. The list stays fresh by itself.</p>`,
        changes.length === 0
          ? markup`<p class="empty">Nothing has changed yet.</p>`
          : markup`<ol class="trace">${changes.map(entry)}</ol>`,
        markup`<p>${link('/admin/changes', 'Load again')}</p>`,
      ),
    };
  },
};

function entry(change: Extract<ChangeItem, { type: 'change' }>): Fragment {
  const began = Date.parse(change.at);
  return markup`<li><p><span class="seq">${change.seq}</span> ${badge('quiet', change.operation)} <strong>${change.table}</strong> <code>${change.key}</code>
${change.changed.length > 0 ? markup`<span class="columns-changed">${change.changed.join(', ')}</span>` : null}</p>
<p><small>${time(change.at)} by ${change.origin}${change.requestId === '' ? null : markup`, request <code>${change.requestId}</code>`}</small></p>
<ul class="plain">${change.handledBy.map(
    (each) =>
      markup`<li>${badge('good', 'handled')} ${each.consumer} <small>after ${Math.max(0, Date.parse(each.at) - began)} ms</small> ${each.note}</li>`,
  )}${change.waitingFor.map((name) => markup`<li>${badge('busy', 'waits')} ${name}</li>`)}</ul></li>`;
}
