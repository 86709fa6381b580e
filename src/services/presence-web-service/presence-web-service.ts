import { readFile } from 'node:fs/promises';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { HttpsListener } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import type { Compose } from '../../presence/publication.ts';
import type { SignIn } from '../../sign-in/sign-in.ts';
import type { ClientSession, LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { BACK_END_ALARM, dialogOf } from './actions/subscriptions.ts';
import { createPresenceWebServiceApp } from './app.ts';
import { type CallbackClient, createCallbackClient } from './callbacks/callback-client.ts';
import { CallbackLanes } from './callbacks/callback-lanes.ts';
import { createCallbackTargets } from './callbacks/callback-target.ts';
import { Notifier } from './callbacks/notifier.ts';
import { createPwsCounters } from './counters.ts';
import { loadInterfaceDocuments } from './documents.ts';
import { createOverloadGuard, measureEventLoopDelay, type ReadDelay } from './limits/overload.ts';
import { createRequestRate } from './limits/request-rate.ts';
import { BASE_PATH, PWS_SERVICE } from './names.ts';
import type { ActionNeeds } from './needs.ts';
import { optionsSchema, type PresenceWebServiceOptions } from './options.ts';
import { Registrations, type Subscription } from './pools/registrations.ts';
import { FOLLOWED_TABLES, PresenceChanges } from './presence-changes.ts';
import { SessionEnds } from './session-ends.ts';

export { createPresenceWebServiceBusyApp } from './app.ts';
export type { PresenceWebServiceOptions } from './options.ts';

export const presenceWebServiceDescriptor: ServiceDescriptor<PresenceWebServiceOptions> = {
  name: PWS_SERVICE,
  title: 'Cisco Presence Web Service',
  purpose: 'Lets third-party applications set, read and watch the presence of users over SOAP and REST.',
  kind: 'feature',
  isXcp: false,
  dependsOn: ['login-datastore', 'route-datastore', 'presence-datastore'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'Presence Web Service, SOAP 1.1 and 1.2', status: 'complete' },
    { spec: 'Presence Web Service, REST', status: 'complete' },
    { spec: 'RFC 3863 (PIDF)', status: 'partial' },
  ],
  options: optionsSchema,
};

export interface PresenceWebServiceNeeds {
  readonly listener: HttpsListener;
  /** A listener without TLS, where one is configured. */
  readonly httpListener?: HttpsListener;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly loginDatastore: LoginDatastore;
  readonly routeDatastore: RouteDatastore;
  readonly presenceDatastore: PresenceDatastore;
  /** The log-in, shared with the Client Profile Agent. */
  readonly signIn: SignIn<ClientSession>;
  /** Makes one presence of what all sources of a user say. */
  readonly compose: Compose;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** Host name or address under which clients reach the node. */
  readonly host: string;
  /** PEM of the node's own authority, trusted for callbacks. */
  readonly ca?: string;
  /** How long work waits for the CPU; absent: measured. */
  readonly readDelay?: ReadDelay;
}

const TICK_MS = 1_000;

/**
 * The Presence Web Service (docs/services/presence-web-service.md). Mounts itself on `/presence-service` while it is
 * started; the node mounts `createPresenceWebServiceBusyApp` beneath it for the time it is not.
 */
export function createPresenceWebService(needs: PresenceWebServiceNeeds, options: PresenceWebServiceOptions): Service {
  const log = needs.log.child({ subsystem: PWS_SERVICE });
  const { clock, alarms, presenceDatastore } = needs;
  const counters = createPwsCounters(needs.metrics);
  const targets = createCallbackTargets(options.callbackNetworks);
  const lanes = new CallbackLanes({ perLane: options.callbacksPerEndpoint, inAll: options.maxCallbacks });
  let running: Notifier | undefined;

  // Endpoints, subscriptions and the rate of requests outlive a restart of the service.
  const registrations: Registrations = new Registrations(clock, {
    maxEndPoints: options.maxEndpoints,
    maxSubscriptions: options.maxSubscriptions,
    onSubscriptionEnded: (subscription, cause) => {
      running?.ended(subscription);
      // What has expired here has expired there.
      if (cause === 'removed') endDialog(subscription);
      alarms.clear(PWS_SERVICE, BACK_END_ALARM);
    },
  });
  const requestRate = createRequestRate(clock, alarms, {
    perSecond: options.requestsPerSecond,
    burst: options.requestBurst,
  });
  const sessionEnds = new SessionEnds({ ...needs, registrations, log });

  const endDialog = ({ watcher, id }: Subscription): void => {
    presenceDatastore.endDialog(watcher, dialogOf(id)).catch((error: unknown) => {
      log.warn({ err: error instanceof Error ? error.message : String(error) }, 'watching could not be ended');
    });
  };

  const openClient = async (): Promise<CallbackClient> =>
    createCallbackClient(clock, {
      timeoutMs: options.callbackSeconds * 1_000,
      targets,
      ca: [...(needs.ca === undefined ? [] : [needs.ca]), ...(await readCaFile(options.callbackCaFile))],
      connections: options.callbacksPerEndpoint,
    });

  const watchDelay = (scope: Scope): ReadDelay => {
    if (needs.readDelay) return needs.readDelay;
    const measured = measureEventLoopDelay();
    scope.defer(() => measured.close());
    return measured.read;
  };

  return {
    async start(scope) {
      const documents = await loadInterfaceDocuments();
      const client = await openClient();
      scope.defer(() => client.close());
      const notifier = new Notifier({
        client,
        lanes,
        urlOf: ({ endPointId }) => registrations.endPoints.get(endPointId)?.url,
        clock,
        log,
        callbacks: counters.callbacks,
      });
      const changes = new PresenceChanges({ ...needs, registrations, notifier, log });
      const overload = createOverloadGuard(watchDelay(scope), alarms, options.maxDelayMs);
      running = notifier;
      scope.defer(() => {
        running = undefined;
        notifier.stop();
      });

      const ends = needs.loginDatastore.onEnd((session) => sessionEnds.ended(session));
      scope.defer(() => ends[Symbol.dispose]());
      const watch = presenceDatastore.watch((change) => changes.presenceChanged(change));
      scope.defer(() => watch[Symbol.dispose]());
      await sessionEnds.check();
      changes.allChanged();

      scope.run((signal) =>
        needs.changeFeed.follow(
          { consumer: PWS_SERVICE, tables: FOLLOWED_TABLES, start: 'snapshot', signal },
          (batch) => changes.apply(batch),
        ),
      );
      scope.every(TICK_MS, () => {
        overload.tick();
        requestRate.tick();
        counters.endPoints.set(registrations.endPoints.size);
        counters.subscriptions.set(registrations.subscriptions.size);
      });

      const actions: ActionNeeds = {
        ...needs,
        log,
        counters,
        registrations,
        notifier,
        sessionEnds,
        requestRate,
        overload,
        revision: () => changes.revision,
        isTargetAllowed: (address) => targets.isAllowed(address),
      };
      const mount = (listener: HttpsListener, scheme: 'http' | 'https'): void => {
        const app = createPresenceWebServiceApp({
          ...actions,
          documents,
          address: () => ({ scheme, host: needs.host, port: listener.port }),
          httpsPort: () => needs.listener.port,
          maxConcurrentRequests: options.maxConcurrentRequests,
          bodyLimits: { maxBytes: options.maxBodyBytes, timeoutMs: options.bodySeconds * 1_000 },
        });
        const mounted = listener.mount(BASE_PATH, app);
        scope.defer(() => mounted[Symbol.dispose]());
      };
      mount(needs.listener, 'https');
      if (needs.httpListener) mount(needs.httpListener, 'http');
    },
    detail() {
      if (!running) return 'not serving';
      const { endPoints, subscriptions } = registrations;
      return `serves ${BASE_PATH} with ${count(endPoints.size, 'endpoint')} and ${count(subscriptions.size, 'subscription')}`;
    },
  };
}

async function readCaFile(file: string): Promise<readonly string[]> {
  if (file === '') return [];
  try {
    return [await readFile(file, 'utf8')];
  } catch (cause) {
    throw new ImpError('invalid', 'pws.callback-ca', 'the file callbackCaFile cannot be read', { cause });
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
