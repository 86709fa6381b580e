import type { AxlClient } from '../../../axl/client.ts';
import { AxlError } from '../../../axl/errors.ts';
import type { ChangeFeed } from '../../../ids/change-feed.ts';
import type { Ids } from '../../../ids/ids.ts';
import { type Clock, sleep } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import type { Scope } from '../../../platform/service.ts';
import { type Compose, PRESENCE_EVENT } from '../../../presence/publication.ts';
import { untilAborted } from '../../../rpc/handover/until.ts';
import { join, textElement } from '../../../xml/write.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../../route-datastore/route-datastore.ts';
import type { IcsaCounters } from '../counters.ts';
import { ICSA_SERVICE } from '../names.ts';
import type { PeerAlarms } from '../peers/peer-alarms.ts';
import { createDndStore, type UserPhone } from './dnd-store.ts';
import { isManualDnd } from './manual-dnd.ts';

export interface DndPropagationNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly axl: Pick<AxlClient, 'call'>;
  readonly presenceDatastore: PresenceDatastore;
  readonly routeDatastore: RouteDatastore;
  readonly compose: Compose;
  readonly alarms: PeerAlarms;
  readonly counters: IcsaCounters;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_FIRST_MS = 5_000;
const RETRY_MOST_MS = 5 * 60_000;
/** A wish that CUCM has not taken for so long is given up. */
const GIVE_UP_MS = 60 * 60_000;
/** After a start clients have this long to say again what they said, before phones are taken back. */
const GRACE_MS = 2 * 60_000;
const SETTLE_MS = 60_000;
/** In the place of a peer's number, in an alarm that is shared: CUCM has none. */
const CUCM = 0;

interface Trouble {
  readonly since: number;
  readonly attempts: number;
}

/**
 * Carries do not disturb to the phones of users of this node, by AXL `updatePhone`: what a user says is said to each
 * phone that the user owns or controls, and taken back when it ends. One at a time, and always the latest state.
 */
export function startDndPropagation(needs: DndPropagationNeeds, scope: Scope): void {
  const { ids, axl, presenceDatastore, routeDatastore, alarms, clock, log } = needs;
  const store = createDndStore(ids, () => clock.now());
  const waiting = new Set<string>();
  const troubles = new Map<string, Trouble>();
  let wake: () => void = () => undefined;

  const queue = (address: string): void => {
    waiting.add(address);
    wake();
  };

  const tell = async (userPkid: string, phone: UserPhone, dnd: boolean): Promise<void> => {
    if (phone.wanted !== dnd || phone.isDone) await store.want(userPkid, phone, dnd);
    try {
      await axl.call('updatePhone', join([textElement('name', phone.name), textElement('dndStatus', dnd)]));
      needs.counters.dnd.labels('ok').inc();
      await store.done(phone);
    } catch (error) {
      if (!(error instanceof AxlError) || error.code !== 'axl.fault') throw error;
      // CUCM has no such phone any more, or one without do not disturb: asking again changes nothing.
      needs.counters.dnd.labels('refused').inc();
      log.warn({ device: phone.name, err: error.message }, 'CUCM does not take do not disturb of a phone');
      await store.forget(phone);
    }
  };

  const carry = async (address: string): Promise<void> => {
    const user = await routeDatastore.userByAddress(address);
    if (!user || user.peerClusterId !== null) return;
    const route = await routeDatastore.routeOfUser(user.userid);
    // While failed over the backup node does it.
    if (route.kind !== 'here') return;
    const publications = await presenceDatastore.publicationsOf(address, PRESENCE_EVENT);
    const isWanted = isManualDnd(needs.compose, address, publications);
    for (const phone of await store.phonesOf(user.pkid, user.userid)) {
      const isOurs = phone.wanted !== null;
      if (phone.wanted === isWanted && phone.isDone) continue;
      // One that rests already does so by its user's own hand, and keeps doing so.
      if (isWanted ? isOurs || !phone.dnd : isOurs) await tell(user.pkid, phone, isWanted);
    }
  };

  const fail = (address: string, error: unknown): void => {
    const known = troubles.get(address) ?? { since: clock.now(), attempts: 0 };
    const message = describeError(error);
    if (clock.now() - known.since >= GIVE_UP_MS) {
      troubles.delete(address);
      alarms.set(
        'InterClusterSyncAgentAXLConnectionFailed',
        CUCM,
        `do not disturb was not passed on to CUCM: ${message}`,
      );
      log.error({ err: message }, 'do not disturb was not passed on');
      return;
    }
    troubles.set(address, { since: known.since, attempts: known.attempts + 1 });
    const pause = Math.min(RETRY_FIRST_MS * 2 ** known.attempts, RETRY_MOST_MS);
    log.warn({ err: message, pauseMs: pause }, 'do not disturb is passed on later');
    scope.run(async (signal) => {
      await sleep(clock, pause, signal);
      queue(address);
    });
  };

  const work = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted) {
      const [address] = waiting;
      if (address === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      waiting.delete(address);
      try {
        await untilAborted(carry(address), signal);
        troubles.delete(address);
        if (troubles.size === 0) alarms.unset('InterClusterSyncAgentAXLConnectionFailed', CUCM);
      } catch (error) {
        if (!signal.aborted) fail(address, error);
      }
    }
  };

  const watch = presenceDatastore.watch(({ presentity, event }) => {
    if (event === PRESENCE_EVENT) queue(presentity);
  });
  scope.defer(() => watch[Symbol.dispose]());
  scope.run(work);
  scope.run(async (signal) => {
    await sleep(clock, GRACE_MS, signal);
    for (const address of await store.addresses()) queue(address);
  });
  scope.every(SETTLE_MS, async () => void (await store.settle()));
  scope.run((signal) =>
    needs.changeFeed.follow(
      { consumer: `${ICSA_SERVICE}-dnd`, tables: ['device'], start: 'snapshot', signal },
      async () => {
        const settled = await store.settle();
        return settled === 0 ? '' : `${settled} phones are as they were told`;
      },
    ),
  );
}
