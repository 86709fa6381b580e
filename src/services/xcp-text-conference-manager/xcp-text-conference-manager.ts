import type { Ids } from '../../ids/ids.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { prepareDomain, type Stanza, StanzaError } from '../../xmpp/xmpp.ts';
import type { XcpAttachment, XcpRouter } from '../xcp-router/xcp-router.ts';
import { createConferenceCounters } from './counters.ts';
import { type TextConferenceManagerOptions, textConferenceManagerOptions } from './options.ts';
import { createRoomIds } from './room-ids.ts';
import { createRoomStore } from './room-store.ts';
import { createRooms, type Rooms } from './rooms.ts';
import { answerService } from './service-requests.ts';

export type { TextConferenceManagerOptions } from './options.ts';

export const xcpTextConferenceManagerDescriptor: ServiceDescriptor<TextConferenceManagerOptions> = {
  name: 'xcp-text-conference-manager',
  title: 'Cisco XCP Text Conference Manager',
  purpose: 'Lets users chat in rooms: ad-hoc ones that die with their last occupant, and persistent ones.',
  kind: 'feature',
  isXcp: true,
  dependsOn: ['xcp-router'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'XEP-0045', status: 'partial' },
    { spec: 'XEP-0249', status: 'complete' },
    { spec: 'XEP-0359', status: 'complete' },
    { spec: 'XEP-0410', status: 'complete' },
  ],
  options: textConferenceManagerOptions,
};

export interface XcpTextConferenceManagerNeeds {
  readonly ids: Ids;
  readonly router: XcpRouter;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The presence domain of the system; rooms are at `conference.` and this. */
  readonly domain: string;
}

const SERVICE = 'xcp-text-conference-manager';

export function createXcpTextConferenceManager(
  needs: XcpTextConferenceManagerNeeds,
  options: TextConferenceManagerOptions,
): Service {
  const { router, clock } = needs;
  const log = needs.log.child({ subsystem: SERVICE });
  const counters = createConferenceCounters(needs.metrics);
  const store = createRoomStore(needs.ids);
  const domain = prepareDomain(`conference.${needs.domain}`);
  const newId = createRoomIds(clock);
  let rooms: Rooms | undefined;

  const deliver = async (life: Rooms, attachment: XcpAttachment, stanza: Stanza): Promise<void> => {
    const { from, to } = stanza;
    // The router gives both to everything that it routes.
    if (from === null || to === null) throw new StanzaError('bad-request', 'the stanza has no addresses');
    if (to.local !== null) return await life.handle({ ...stanza, from, to });
    if (stanza.type === 'error' || stanza.type === 'result' || stanza.kind === 'presence') return;
    if (stanza.kind !== 'iq') throw new StanzaError('service-unavailable', '');
    await attachment.send(answerService(stanza, life));
  };

  return {
    async start(scope) {
      const life = createRooms({
        ...{ store, counters, newId, now: () => clock.now() },
        async send(stanza) {
          try {
            await attachment.send(stanza);
          } catch (error) {
            // The router is stopping: everybody's sessions end with it.
            log.debug({ err: describeError(error) }, 'a stanza of a room could not be sent');
          }
        },
        mayCreate: (jid) => router.hosts(jid.domain),
        onFailure: (error) => log.debug({ err: describeError(error) }, 'an answer to a room was not taken'),
        limits: {
          rooms: options.rooms,
          persistentRooms: options.persistentRooms,
          roomsPerUser: options.roomsPerUser,
          occupants: options.occupantsPerRoom,
          affiliations: options.affiliationsPerRoom,
          historyLength: options.historyMessages,
          historySize: options.historyKilobytes * 1_024,
        },
        isLogged: options.announceLogging,
      });
      await life.open();
      const attachment = router.attach({
        name: SERVICE,
        domains: [domain],
        itemName: 'Chat rooms',
        deliver: async (stanza) => await deliver(life, attachment, stanza),
      });
      scope.defer(() => attachment[Symbol.dispose]());
      scope.defer(async () => {
        rooms = undefined;
        await life.close();
      });
      rooms = life;
    },
    detail() {
      if (rooms === undefined) return 'closed';
      const { length } = rooms.list();
      const { occupants } = rooms;
      return `${length} ${length === 1 ? 'room' : 'rooms'} at ${domain}, ${occupants} ${occupants === 1 ? 'occupant' : 'occupants'}`;
    },
  };
}
