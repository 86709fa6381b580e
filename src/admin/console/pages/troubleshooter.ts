import type { FindingView } from '../../commands/diagnose.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { badge, facts, link, panel, type Tone } from '../parts.ts';

const TONES: Readonly<Record<FindingView['result'], Tone>> = { passed: 'good', warning: 'busy', failed: 'bad' };

/** Every check, the ones that failed first within their group. */
export const troubleshooterPage: Page = {
  path: '/troubleshooter',
  title: 'Troubleshooter',
  section: 'Tools',
  topics: [],
  async render(call) {
    const findings = await call.show<readonly FindingView[]>('diagnose');
    const count = (result: FindingView['result']): number => findings.filter((each) => each.result === result).length;
    const rank = ({ result }: FindingView): number => (result === 'failed' ? 0 : result === 'warning' ? 1 : 2);
    return {
      live: markup`<p role="status">${badge('good', `${count('passed')} passed`)} ${badge('busy', `${count('warning')} with a warning`)} ${badge('bad', `${count('failed')} failed`)}
${link('/admin/troubleshooter', 'Check again', 'button')}</p>
${[...Map.groupBy(findings, ({ group }) => group)].map(([group, own]) =>
  panel(
    group,
    markup`<ul class="findings">${own
      .toSorted((a, b) => rank(a) - rank(b))
      .map(
        (each) => markup`<li><h3>${badge(TONES[each.result], each.result)} ${each.name}</h3>
${
  each.result === 'passed'
    ? markup`<p>${each.found}</p>`
    : facts([
        ['Problem', each.found],
        ['Cause', each.cause],
        ['What to do', each.fix],
      ])
}</li>`,
      )}</ul>`,
  ),
)}`,
    };
  },
};
