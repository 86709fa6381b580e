import type { Ids } from '../../ids/ids.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import type { EngineConfiguration } from '../../rpc/presence-engine/configuration.ts';
import type { Hop } from '../../sip/transport/flow.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import {
  type ConfigurationControlNeeds,
  createConfigurationControl,
  type PresenceEngineControl,
} from './configuration-control.ts';
import { createEngineCounters } from './counters.ts';
import { ENGINE_SERVICE } from './names.ts';
import { optionsSchema, type PresenceEngineOptions } from './options.ts';
import { createOverloadGuard, measureLoad, type ReadLoad } from './overload.ts';
import { forget, openSipSide, type SipSide } from './sip-side.ts';
import { createSources } from './sources/sources.ts';
import { Subscriptions } from './watching/subscriptions.ts';

export type { PresenceEngineControl } from './configuration-control.ts';
export type { PresenceEngineOptions } from './options.ts';

export const presenceEngineDescriptor: ServiceDescriptor<PresenceEngineOptions> = {
  name: ENGINE_SERVICE,
  title: 'Cisco Presence Engine',
  purpose: 'Composes one presence per user, and tells SIP watchers who may see it; takes what SIP clients publish.',
  kind: 'feature',
  isXcp: false,
  dependsOn: ['oam-agent', 'sip-proxy', 'sync-agent', 'route-datastore', 'presence-datastore'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'RFC 3903 (PUBLISH)', status: 'complete' },
    { spec: 'RFC 6665, 3856 (SUBSCRIBE and NOTIFY for presence)', status: 'partial' },
    { spec: 'RFC 3863, 4479, 4480 (PIDF, data model, RPID)', status: 'partial' },
    { spec: 'RFC 4662, 5367 (lists)', status: 'partial' },
    { spec: 'RFC 3857, 3858 (watchers)', status: 'partial' },
  ],
  options: optionsSchema,
};

export interface PresenceEngineNeeds extends ConfigurationControlNeeds {
  readonly ids: Ids;
  readonly routeDatastore: RouteDatastore;
  readonly presenceDatastore: PresenceDatastore;
  readonly metrics: Metrics;
  /** Of SIP over UDP and TCP; 0 picks a free one. */
  readonly sipPort: number;
  /** Absent: measured. */
  readonly readLoad?: ReadLoad;
}

export interface PresenceEngine extends PresenceEngineControl {
  /** What is in force; undefined while the engine is not running. */
  configuration(): EngineConfiguration | undefined;
  /** Called with each configuration that comes into force. */
  onConfiguration(listener: (configuration: EngineConfiguration) => void): Disposable;
  /** Where the SIP Proxy sends PUBLISH and SUBSCRIBE for presence; undefined while the engine does not listen. */
  sipHop(): Hop | undefined;
  /** New key and certificate for connections to come. */
  renewTls(tls: PresenceEngineNeeds['tls']): void;
}

const TICK_MS = 1_000;

/**
 * Starts with the configuration in its folder, and waits for a good one when there is none. Then it takes PUBLISH and
 * SUBSCRIBE, and tells watchers (docs/services/presence-engine.md).
 */
export function createPresenceEngine(
  needs: PresenceEngineNeeds,
  options: PresenceEngineOptions,
): Service & PresenceEngine {
  const log = needs.log.child({ subsystem: ENGINE_SERVICE });
  const { clock, alarms } = needs;
  const counters = createEngineCounters(needs.metrics);
  const control = createConfigurationControl({ ...needs, log });
  let side: SipSide | undefined;
  // Subscriptions outlive a restart of the service.
  const subscriptions: Subscriptions = new Subscriptions(clock, (subscription) => {
    if (side) side.notifier.end(subscription, { state: 'terminated', reason: 'timeout' });
    else forget({ ...needs, log }, subscription);
  });
  const configuration = (): EngineConfiguration => {
    const inForce = control.configuration();
    if (!inForce) throw new Error('the engine is used without a configuration');
    return inForce;
  };
  const onConfiguration = (each: () => void): Disposable => control.onConfiguration(each);
  const sources = createSources({ ...needs, log, counters, configuration, onConfiguration, ca: needs.tls.ca }, options);

  return {
    controlAddress: () => control.controlAddress(),
    onRunning: (each) => control.onRunning(each),
    configuration: () => control.configuration(),
    onConfiguration: (each) => control.onConfiguration(each),
    renewTls: (renewed) => control.renewTls(renewed),
    sipHop() {
      const at = side?.sip.addresses.tcp ?? side?.sip.addresses.udp;
      if (!side || !at) return undefined;
      return { transport: side.sip.addresses.tcp ? 'TCP' : 'UDP', address: at.address, port: at.port };
    },

    async start(scope) {
      await control.open(scope, options.pollSeconds);
      const overload = createOverloadGuard(needs.readLoad ?? measureLoad(), alarms, () => configuration().parameters);
      await sources.open(scope);
      const opened = await openSipSide(
        scope,
        {
          ...needs,
          log,
          counters,
          overload,
          subscriptions,
          sources,
          configuration,
          onConfiguration,
          port: needs.sipPort,
        },
        options,
      );
      side = opened;
      scope.defer(() => {
        side = undefined;
      });
      scope.every(TICK_MS, () => {
        overload.tick();
        counters.highWaterMark.set(Math.max(overload.load.cpuPercent, overload.load.memoryPercent));
        counters.activeSubscriptions.set(subscriptions.size);
        counters.activeViews.set(subscriptions.views);
        counters.activeResources.set(subscriptions.resources);
      });
      control.announce();
    },
    detail() {
      const watched = side ? `tells ${count(subscriptions.size, 'SIP subscription')}` : '';
      return [control.detail(), watched, sources.detail()].filter((clause) => clause !== '').join(', ');
    },
  };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
