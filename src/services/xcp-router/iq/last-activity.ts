import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import type { XmlElement } from '../../../xml/element.ts';
import { childText, el, StanzaError } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqRequest } from '../components/component.ts';
import type { Accounts } from '../sessions/account.ts';

const LAST = 'jabber:iq:last';
const KEPT = 100_000;

/** When a user was here last (XEP-0012 4), for who may see its presence; of this life of the router. */
export function createLastActivity(needs: {
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly mayWatch: (request: IqRequest) => Promise<boolean>;
}) {
  const { accounts, clock } = needs;
  const gone = new LRUCache<string, { readonly at: number; readonly status: string }>({ max: KEPT });

  const get = async (request: IqRequest): Promise<XmlElement> => {
    const { owner } = request;
    if (owner === undefined || !(await needs.mayWatch(request))) throw new StanzaError('forbidden', '');
    if (accounts.find(owner.jid.bare)?.isAvailable) return el(LAST, 'query', { seconds: 0 });
    const last = gone.get(owner.pkid);
    if (last === undefined) throw new StanzaError('item-not-found', 'the user has not been here');
    const seconds = Math.max(0, Math.floor((clock.monotonic() - last.at) / 1_000));
    return el(LAST, 'query', { seconds }, ...(last.status === '' ? [] : [last.status]));
  };

  const request: IqHandler = {
    target: 'account',
    namespace: LAST,
    type: 'get',
    isForOthers: true,
    handle: get,
  };
  return {
    requests: [request],
    /** A resource has gone, with this presence. */
    left(pkid: string, presence: XmlElement): void {
      gone.set(pkid, { at: clock.monotonic(), status: childText(presence, 'status') ?? '' });
    },
  };
}
