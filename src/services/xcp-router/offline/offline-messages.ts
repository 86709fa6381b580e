import type { Ids } from '../../../ids/ids.ts';
import type { Clock } from '../../../platform/clock.ts';
import { element } from '../../../xml/element.ts';
import { parseXml } from '../../../xml/parse.ts';
import { serialise } from '../../../xml/serialise.ts';
import { delay, jidOf, type Message, NS, StanzaError, smRequest, withChildren } from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { RouterCounters } from '../counters.ts';
import type { Session } from '../sessions/session.ts';

export interface OfflineMessagesNeeds {
  readonly ids: Ids;
  readonly clock: Clock;
  readonly counters: RouterCounters;
  readonly maxPerUser: number;
  readonly isSuppressed: boolean;
}

/** Messages for users who are not there (XEP-0160), in the IDS: what was stored survives `kill -9`. */
export interface OfflineMessages {
  /** Resolves when it is committed. @throws StanzaError `service-unavailable` when nothing is kept for the user */
  store(user: LocalUser, message: Message): Promise<void>;
  /** Sends the session what waits, oldest first, as fast as it acknowledges. */
  deliver(session: Session): Promise<void>;
  /** They have arrived. */
  delivered(ids: readonly string[]): Promise<void>;
  /** They have not: they wait for the next session. */
  undelivered(ids: readonly string[]): void;
}

/** Sent to a session before it has acknowledged; half of what is kept for one that breaks. */
const CHUNK = 50;

export function createOfflineMessages(needs: OfflineMessagesNeeds): OfflineMessages {
  const { ids, clock, counters } = needs;
  /** With a session that has not acknowledged them yet: no other gets them meanwhile. */
  const underWay = new Set<string>();
  let sequence = 0;

  const newId = (): string => {
    sequence = (sequence + 1) % 1_000_000;
    return `${String(clock.now()).padStart(15, '0')}-${String(sequence).padStart(6, '0')}-${crypto.randomUUID().slice(0, 8)}`;
  };

  const offline: OfflineMessages = {
    async store(user, message) {
      const isUnwanted =
        element(message.element, 'no-store', NS.hints) !== undefined ||
        element(message.element, 'no-permanent-store', NS.hints) !== undefined;
      if (isUnwanted) return;
      if (needs.isSuppressed) throw new StanzaError('service-unavailable', 'messages are not kept here');
      const now = clock.now();
      const stamped =
        element(message.element, 'delay', NS.delay) === undefined
          ? withChildren(message.element, [
              ...message.element.children,
              delay(now, jidOf(null, user.jid.domain), 'Offline storage'),
            ])
          : message.element;
      await ids.transaction('node', async (trx) => {
        const { count } = await trx
          .selectFrom('offlinemessage')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('fkenduser', '=', user.pkid)
          .executeTakeFirstOrThrow();
        if (Number(count) >= needs.maxPerUser) {
          throw new StanzaError('service-unavailable', 'too many messages wait for this user');
        }
        await trx
          .insertInto('offlinemessage')
          .values({ id: newId(), fkenduser: user.pkid, receivedat: now, stanza: serialise(stamped) })
          .execute();
      });
      counters.offlineStored.inc();
    },

    async deliver(session) {
      let after = '';
      for (;;) {
        const rows = await ids.read
          .selectFrom('offlinemessage')
          .select(['id', 'stanza'])
          .where('fkenduser', '=', session.account.user.pkid)
          .where('id', '>', after)
          .orderBy('id')
          .limit(CHUNK)
          .execute();
        const sent: string[] = [];
        for (const { id, stanza } of rows) {
          after = id;
          if (underWay.has(id)) continue;
          if (!session.takesMessages || !session.deliver(parseXml(stanza), 0, id)) break;
          underWay.add(id);
          sent.push(id);
        }
        if (session.management === undefined) await offline.delivered(sent);
        else if (sent.length > 0) session.stream?.send(smRequest);
        if (rows.length < CHUNK || !session.takesMessages) return;
        if (session.management !== undefined && !(await caughtUp(session))) return;
      }
    },

    async delivered(done) {
      if (done.length === 0) return;
      await ids.transaction('node', async (trx) => {
        await trx
          .deleteFrom('offlinemessage')
          .where('id', 'in', [...done])
          .execute();
      });
      counters.offlineDelivered.inc(done.length);
      for (const id of done) underWay.delete(id);
    },
    undelivered(kept) {
      for (const id of kept) underWay.delete(id);
    },
  };
  return offline;
}

/** Resolves when the session has acknowledged most of what it got; false when it is gone. */
function caughtUp(session: Session): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (session.isEnded || session.stream === undefined) resolve(false);
      else if (session.unacknowledged < CHUNK / 2) resolve(true);
      else return;
      session.onAcknowledged = undefined;
    };
    session.onAcknowledged = look;
    look();
  });
}
