import { NS } from '../../../xmpp/xmpp.ts';
import type { IqHandler } from '../components/component.ts';
import type { Accounts } from '../sessions/account.ts';

/** Switches message carbons on and off for the resource that asks (XEP-0280 4). */
export function carbonRequests(accounts: Accounts): readonly IqHandler[] {
  return [true, false].map((isOn) => ({
    target: 'account',
    namespace: NS.carbons,
    local: isOn ? 'enable' : 'disable',
    type: 'set',
    handle({ from, owner }) {
      const session = owner && accounts.find(owner.jid.bare)?.sessions.get(from.resource ?? '');
      if (session) session.hasCarbons = isOn;
      return null;
    },
  }));
}
