import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import type { HttpsListener } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { createNetworks } from '../../platform/networks.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import { createSipEndpoint } from '../../sip/sip.ts';
import type { SocketAddress } from '../../sip/transport/flow.ts';
import type { LoginDatastore } from '../login-datastore/login-datastore.ts';
import { createRccCounters } from './counters.ts';
import type { DeviceRegistrations } from './device-registrations.ts';
import { RccError } from './errors.ts';
import type { LineControl } from './line-control/line-control.ts';
import { createLineLink } from './line-control/line-link.ts';
import { createSimulator } from './line-control/simulator.ts';
import { BASE_PATH, RCC_SERVICE, RCC_TITLE } from './names.ts';
import { optionsSchema, type RccOptions } from './options.ts';
import { createRefusals } from './refusals.ts';
import { parseLineUri } from './selection/line-uri.ts';
import type { Appearance, Choice, SelectionRule } from './selection/select-device.ts';
import { createSelections, type Wanted } from './selections.ts';
import { createGateway } from './session/gateway.ts';
import { createSessionGuard, FOLLOWED_TABLES } from './session/session-guard.ts';
import { createSessions } from './session/sessions.ts';
import { createRccApp } from './soap/app.ts';
import { loadWsdl } from './soap/documents.ts';
import { userOfId } from './users.ts';

export { createSipDeviceRegistrations, type DeviceRegistrations } from './device-registrations.ts';
export type { RccOptions } from './options.ts';
export { createRccBusyApp } from './soap/app.ts';

export const rccDeviceSelectionDescriptor: ServiceDescriptor<RccOptions> = {
  name: RCC_SERVICE,
  title: RCC_TITLE,
  purpose: 'The IM and Presence user device selection service for Remote Call Control.',
  // A network service in the product, which is off while remote call control is: being off until somebody switches it
  // on, and staying so over restarts, is what activation is for.
  kind: 'feature',
  isOptIn: true,
  isXcp: false,
  dependsOn: ['login-datastore', 'config-agent'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'ECMA TR/87 (CSTA over SIP), minimal call control profile', status: 'partial' },
    { spec: 'ECMA-323 (CSTA in XML)', status: 'partial' },
    { spec: 'RFC 4028 (session timers)', status: 'partial' },
  ],
  options: optionsSchema,
};

/** What an administrator sees of a user's phones. */
export interface RccOverview {
  readonly userid: string;
  readonly appearances: readonly Appearance[];
  readonly chosen: Choice | null;
  /** What a sign-in for the user's primary extension would drive now, and why; null when there is none, or nothing. */
  readonly next: (Appearance & { readonly rule: SelectionRule }) | null;
}

/** Phones of users, and which of them remote call control drives. Rejects with `rcc.stopped` while it is off. */
export interface RccDeviceSelection {
  /** @throws RccError `rcc.unknown-user` */
  overview(userid: string): Promise<RccOverview>;
  /** Stores a choice for the next session; null forgets it. @throws RccError `rcc.unknown-user`, `rcc.unknown-appearance` */
  choose(userid: string, wanted: Wanted | null): Promise<RccOverview>;
  /** Where CSTA clients connect; undefined while it is off. */
  sipAddress(): SocketAddress | undefined;
}

export interface RccDeviceSelectionNeeds {
  readonly listener: HttpsListener;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly loginDatastore: LoginDatastore;
  readonly registrations: DeviceRegistrations;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** Host name or address under which clients reach the node. */
  readonly host: string;
  /** The CSTA listener: UDP and TCP share the port; 0 picks a free one. */
  readonly sip: { readonly host: string; readonly port: number; readonly advertisedHost?: string };
  /** In the place of the one that `lineControl` of the options names. */
  readonly lineControl?: LineControl;
}

const TICK_MS = 60_000;
/** How long a stop waits for clients to hear of it. */
const BYE_MS = 2_000;

/** Remote call control: which phone of a user is driven, and the CSTA sessions that drive it. */
export function createRccDeviceSelection(
  needs: RccDeviceSelectionNeeds,
  options: RccOptions,
): Service & RccDeviceSelection {
  const { ids, clock, alarms, registrations } = needs;
  const log = needs.log.child({ subsystem: RCC_SERVICE });
  const counters = createRccCounters(needs.metrics);
  const selections = createSelections({ ids, registrations, clock });
  const sessions = createSessions();
  const trusted = createNetworks(options.trustedNetworks);
  const lineControl =
    needs.lineControl ?? createSimulator({ clock }, { answerSeconds: options.simulatedAnswerSeconds });
  let address: SocketAddress | undefined;
  let isUp: () => boolean = () => false;

  const requireRunning = (): void => {
    if (address === undefined) throw new RccError('rcc.stopped', `${RCC_TITLE} is not running`);
  };

  const overview = async (userid: string): Promise<RccOverview> => {
    requireRunning();
    const user = await userOfId(ids.read, userid);
    const [appearances, chosen] = await Promise.all([selections.appearances(user), selections.chosen(user)]);
    const extension = user.primaryExtension.replace(/^\\/, '');
    const selection = extension === '' ? null : await selections.select(user, parseLineUri(`tel:${extension}`));
    const next = selection?.kind === 'selected' ? { ...selection.appearance, rule: selection.rule } : null;
    return { userid: user.userid, appearances, chosen, next };
  };

  /** An event and no state: it goes to the history at once. */
  const announce = (name: string, message: string): void => {
    alarms.raise(RCC_SERVICE, name, 6, message);
    alarms.clear(RCC_SERVICE, name);
  };

  const openSip = async (scope: Scope): Promise<ReturnType<typeof createSipEndpoint>> => {
    const sip = createSipEndpoint({ clock, log }, { ...needs.sip, tlsPort: null });
    await sip.open(scope);
    return sip;
  };

  return {
    overview,
    async choose(userid, wanted) {
      requireRunning();
      await selections.choose(await userOfId(ids.read, userid), wanted, 'administrator');
      return await overview(userid);
    },
    sipAddress: () => address,

    async start(scope) {
      const wsdl = await loadWsdl();
      const refusals = createRefusals(alarms, clock);
      scope.defer(() => refusals.clear());
      const link = createLineLink({ lineControl, clock, log, alarms, retryMs: options.retrySeconds * 1_000 });
      isUp = () => link.isUp;
      link.onLost(() => {
        // Without a BYE: the client's next request is answered 481, and it signs in anew.
        for (const session of [...sessions]) void session.end('line control was lost', false);
      });
      scope.run((signal) => link.run(signal));
      const sip = await openSip(scope);
      const gateway = createGateway({
        sip,
        ids,
        selections,
        sessions,
        lineControl,
        isLineControlUp: () => link.isUp,
        refusals,
        counters,
        alarms,
        clock,
        log,
        isTrusted: (remote) => trusted.has(remote),
        options,
      });
      sip.onRequest((transaction) => gateway.handle(transaction));
      sip.onAck((ack) => gateway.acknowledge(ack));
      scope.defer(async () => {
        const said = Promise.all([...sessions].map((session) => session.end('the service is stopping', true)));
        await Promise.race([said, sleep(clock, BYE_MS)]);
      });
      const phones = registrations.onChange(() => {
        scope.run(() => gateway.phonesChanged());
      });
      scope.defer(() => phones[Symbol.dispose]());
      const guard = createSessionGuard({ ids, sessions, selections });
      scope.run((signal) =>
        needs.changeFeed.follow(
          { consumer: RCC_SERVICE, tables: FOLLOWED_TABLES, start: 'snapshot', signal },
          (batch) => guard.apply(batch),
        ),
      );
      scope.every(TICK_MS, () => refusals.tick());
      const mounted = needs.listener.mount(
        BASE_PATH,
        createRccApp({
          ids,
          selections,
          loginDatastore: needs.loginDatastore,
          counters,
          clock,
          log,
          wsdl,
          maxConcurrentRequests: options.maxConcurrentRequests,
          origin: () => ({ host: needs.host, port: needs.listener.port }),
        }),
      );
      scope.defer(() => mounted[Symbol.dispose]());
      await link.firstAttempt;
      address = sip.addresses.tcp;
      announce('CTIGWStarted', 'remote call control is on');
      scope.defer(() => {
        address = undefined;
        announce('CTIGWStopped', 'remote call control is off');
      });
    },
    detail() {
      if (address === undefined) return 'off';
      const state = isUp() ? '' : ', which is not connected';
      const { size } = sessions;
      return `drives phones by the ${lineControl.name}${state}: ${size} session${size === 1 ? '' : 's'} on port ${address.port}`;
    },
  };
}
