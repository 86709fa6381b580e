import type { ChangeFeed, FeedBatch } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Scope } from '../../platform/service.ts';
import type { EngineConfiguration } from '../../rpc/presence-engine/configuration.ts';
import { createSipEndpoint, type SipEndpoint } from '../../sip/sip.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { countAssigned, mayChangeAssigned } from './assigned-users.ts';
import type { EngineCounters } from './counters.ts';
import { createIdsAlarms } from './ids-alarms.ts';
import { ENGINE_SERVICE } from './names.ts';
import type { PresenceEngineOptions } from './options.ts';
import type { OverloadGuard } from './overload.ts';
import { createCucmServers, REFRESH_MS } from './sip/cucm-servers.ts';
import { createPublisher } from './sip/publish.ts';
import { createRequestHandler } from './sip/request-handler.ts';
import { createSubscriber, dialogName } from './sip/subscribe.ts';
import { SOURCE_TABLES, type Sources } from './sources/sources.ts';
import { WATCHED_TABLES, WatcherChanges } from './watching/changes.ts';
import { Notifier } from './watching/notifier.ts';
import { createResidents } from './watching/residents.ts';
import type { Subscription } from './watching/subscription.ts';
import type { Subscriptions } from './watching/subscriptions.ts';
import { createViewer } from './watching/viewer.ts';

export interface SipSideNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly routeDatastore: RouteDatastore;
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly counters: EngineCounters;
  readonly overload: OverloadGuard;
  readonly subscriptions: Subscriptions;
  readonly sources: Sources;
  readonly configuration: () => EngineConfiguration;
  readonly onConfiguration: (listener: () => void) => Disposable;
  /** Address of the listener, and its port; 0 picks a free one. */
  readonly host: string;
  readonly port: number;
}

export interface SipSide {
  readonly sip: SipEndpoint;
  readonly notifier: Notifier;
}

const BIND_ALARM = 'PESipSocketBindFailure';
const BIND_AGAIN_MS = 30_000;

/** What the engine does once it has a configuration: listens, tells watchers, follows the IDS and the datastore. */
export async function openSipSide(scope: Scope, needs: SipSideNeeds, options: PresenceEngineOptions): Promise<SipSide> {
  const { clock, log, ids, presenceDatastore, subscriptions, configuration } = needs;
  const parameters = (): EngineConfiguration['parameters'] => configuration().parameters;
  const maxListResources = (): number => {
    const { maximumContacts } = parameters();
    return maximumContacts === 0 ? options.maxListResources : Math.min(maximumContacts, options.maxListResources);
  };
  const host = parameters().listenAddress || needs.host;
  const sip = createSipEndpoint({ clock, log }, { host, port: needs.port, tlsPort: null, mayLackListeners: true });
  const residents = createResidents(ids, needs.routeDatastore);
  const viewer = createViewer({ ids, presenceDatastore, residents, configuration });
  const idsAlarms = createIdsAlarms(needs.alarms);
  scope.defer(() => idsAlarms.clear());
  const notifier = new Notifier({
    onRead: idsAlarms.queried,
    sip,
    viewer,
    clock,
    log,
    counters: needs.counters,
    perSecond: () => parameters().presenceChangesPerSecond,
    intervalMs: options.notifyIntervalSeconds * 1_000,
    onOver: (subscription) => {
      subscriptions.remove(subscription);
      forget(needs, subscription);
    },
  });
  const changes = new WatcherChanges({ ...needs, residents, notifier, maxListResources });
  const cucm = createCucmServers(needs);
  await cucm.refresh();
  scope.every(REFRESH_MS, () => cucm.refresh());
  const common = { ...needs, residents, cucm, options, maxListResources };
  sip.onRequest(
    createRequestHandler({
      publish: createPublisher({ ...common, maxSeconds: () => parameters().publicationSeconds }),
      subscribe: createSubscriber({
        ...common,
        sip,
        notifier,
        viewer,
        parameters,
        isOverloaded: () => needs.overload.isOverloaded,
      }),
      counters: needs.counters,
      onFailure: idsAlarms.queried,
      trustedNetworks: [...options.trustedNetworks, host],
    }),
  );

  await sip.open(scope);
  // Stopped before the endpoint closes: what that cuts off is no fault of the watchers'.
  scope.defer(() => notifier.stop());
  const openMissing = async (): Promise<void> => {
    const errors = await sip.openMissing();
    if (errors.length === 0) needs.alarms.clear(ENGINE_SERVICE, BIND_ALARM);
    else needs.alarms.raise(ENGINE_SERVICE, BIND_ALARM, 2, errors.map(({ message }) => message).join('; '));
  };
  await openMissing();
  scope.every(BIND_AGAIN_MS, openMissing);

  const watches = [
    presenceDatastore.watch((change) => changes.presenceChanged(change)),
    presenceDatastore.watchWatchers((change) => changes.watchersChanged(change)),
    needs.onConfiguration(() => {
      changes.allChanged();
      cucm.refresh().catch((error: unknown) => log.warn({ err: describeError(error) }, "CUCM's servers are not known"));
    }),
  ];
  scope.defer(() => {
    for (const watch of watches) watch[Symbol.dispose]();
  });
  const apply = async (batch: FeedBatch): Promise<string> => {
    const said = await idsAlarms.copying(() => needs.sources.apply(batch));
    if (mayChangeAssigned(batch)) {
      needs.counters.activeJsmSessions.set(await countAssigned(ids, configuration().node.id));
    }
    return [said, await changes.apply(batch)].filter((clause) => clause).join(', ');
  };
  const tables = [...new Set([...WATCHED_TABLES, ...SOURCE_TABLES])];
  scope.run((signal) =>
    idsAlarms.following(() =>
      needs.changeFeed.follow({ consumer: ENGINE_SERVICE, tables, start: 'snapshot', signal }, apply),
    ),
  );
  return { sip, notifier };
}

/** Takes a subscription that is over out of the datastore. */
export function forget(
  { presenceDatastore, log }: Pick<SipSideNeeds, 'presenceDatastore' | 'log'>,
  ended: Subscription,
): void {
  presenceDatastore.endDialog(ended.watcher, dialogName(ended.id)).catch((error: unknown) => {
    // Its row has the life of the subscription, and goes by itself.
    log.warn({ err: describeError(error) }, 'a subscription that is over could not be removed');
  });
}
