import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { PRESENCE_EVENT, STANDING_PUBLICATION } from '../../../presence/publication.ts';
import { type XmppShow, xmppPublication, xmppSource } from '../../../presence/xmpp-presence.ts';
import { element } from '../../../xml/element.ts';
import { childText } from '../../../xmpp/xmpp.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { Accounts } from '../sessions/account.ts';
import type { Session } from '../sessions/session.ts';

const IDLE = 'urn:xmpp:idle:1';
const SHOWS: ReadonlySet<string> = new Set(['chat', 'away', 'xa', 'dnd']);

/** Writes what resources say into the Presence Datastore, where every other interface reads it. */
export function createResourcePublisher(needs: {
  readonly presenceDatastore: PresenceDatastore;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly log: Log;
}) {
  const { presenceDatastore, accounts, clock, log } = needs;
  /** One after the other, so that the store ends with what was said last. */
  const turns = new WeakMap<Session, Promise<void>>();

  const write = async (session: Session, publishedAt: number): Promise<void> => {
    const { presence, account, jid, priority } = session;
    const resource = jid.resource ?? '';
    const presentity = account.user.address;
    try {
      if (presence === undefined) {
        await presenceDatastore.unpublish(presentity, PRESENCE_EVENT, xmppSource(resource));
        return;
      }
      const show = childText(presence, 'show')?.trim() ?? '';
      const said = {
        ...{ presentity, resource, priority },
        show: (SHOWS.has(show) ? show : '') as XmppShow,
        status: childText(presence, 'status') ?? '',
        isIdle: element(presence, 'idle', IDLE) !== undefined,
        features: [],
      };
      await presenceDatastore.publish(xmppPublication(said, publishedAt), STANDING_PUBLICATION.lifeMs);
    } catch (error) {
      // XMPP goes on by itself; the next presence, or the renewal, is written again.
      log.warn({ err: describeError(error) }, 'presence of a resource could not be written');
    }
  };

  const publish = (session: Session): void => {
    if (session.presence !== undefined) session.presenceAt = clock.now();
    const before = turns.get(session) ?? Promise.resolve();
    turns.set(
      session,
      before.then(() => write(session, session.presenceAt)),
    );
  };

  return {
    publish,
    /** Says everything again, so that it lives on. */
    async renew(): Promise<void> {
      for (const account of [...accounts.all()]) {
        for (const session of [...account.available()]) await write(session, session.presenceAt);
      }
    },
  };
}
