import type { CertificateView } from '../../commands/certs.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { action, badge, facts, panel, time } from '../parts.ts';

const TITLES = { ca: 'Authority of this node', node: 'Server certificate' } as const;

export const certificatesPage: Page = {
  path: '/certificates',
  title: 'Certificates',
  section: 'Node',
  topics: [],
  async render(call) {
    const certificates = await call.show<readonly CertificateView[]>('certs list');
    return {
      live: markup`${certificates.map((each) =>
        panel(
          TITLES[each.name],
          markup`<p>${badge(each.daysLeft > 30 ? 'good' : each.daysLeft > 7 ? 'busy' : 'bad', `${each.daysLeft} days left`)}</p>`,
          facts([
            ['Subject', each.subject],
            ['Issuer', each.issuer],
            ['Names', each.names.join(', ')],
            ['Valid from', time(each.validFrom)],
            ['Valid to', time(each.validTo)],
            ['SHA-256', markup`<code>${each.fingerprint}</code>`],
            ['File', markup`<code>${each.file}</code>`],
          ]),
        ),
      )}
${panel(
  'Renew',
  markup`<p>A new server certificate under the same authority. Listeners take it at once; connections stay, and clients that trust the authority notice nothing.</p>`,
  action(call, 'certs renew', 'Renew the server certificate', { tone: 'main' }),
)}`,
    };
  },
};
