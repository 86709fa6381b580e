import type { AuditEntry } from '../../audit-log.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { badge, dataTable, type Tone, time } from '../parts.ts';

const TONES: Readonly<Record<AuditEntry['outcome'], Tone>> = {
  done: 'good',
  left: 'quiet',
  refused: 'busy',
  failed: 'bad',
};
const SHOWN = 100;

export const auditPage: Page = {
  path: '/audit',
  title: 'Audit log',
  section: 'Tools',
  topics: [],
  async render(call) {
    const entries = await call.show<readonly AuditEntry[]>('audit', { limit: SHOWN });
    return {
      live: markup`<p>What administrators did, the newest first. The file is <code>logs/audit.log</code> in the data folder.</p>${dataTable(
        'Actions of administrators',
        ['At', 'Who', 'From', 'Action', 'With', 'Outcome'],
        entries.map((each) => [
          time(each.at),
          each.by || '–',
          `${each.address} (${each.face}, ${each.proof})`,
          each.action,
          each.arguments === undefined ? '' : markup`<code>${JSON.stringify(each.arguments)}</code>`,
          markup`${badge(TONES[each.outcome], each.outcome)} ${each.error}`,
        ]),
        'Nothing was done yet.',
      )}`,
    };
  },
};
