import { isIPv6 } from 'node:net';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Notifications } from '../../platform/notifications.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { createFileStore } from '../../rpc/handover/file-store.ts';
import { type ConfigurationReceiver, createConfigurationReceiver } from '../../rpc/handover/receiver.ts';
import { createRestartNotices } from '../../rpc/handover/restart-notices.ts';
import { untilAborted } from '../../rpc/handover/until.ts';
import type { SipProxyBase, SipProxyConfiguration } from '../../rpc/sip-proxy/configuration.ts';
import { sipProxyFormat } from '../../rpc/sip-proxy/format.ts';
import type { LoginThrottle } from '../../sign-in/login-throttle.ts';
import type { Hop } from '../../sip/transport/flow.ts';
import type { FurtherListener } from '../../sip/transport/further.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import type { SipRegistrationDatastore } from '../sip-registration-datastore/sip-registration-datastore.ts';
import type { PresetPassword } from './access/credentials.ts';
import { createControlApp } from './control-app.ts';
import { type ControlListener, createControlListener } from './control-listener.ts';
import { createSipProxyCounters } from './counters.ts';
import { type SipProxyOptions, sipProxyOptions } from './options.ts';
import { restartNeeded } from './restart-needed.ts';
import { createSipService, type SipAddresses, type SipService } from './sip-service.ts';

export type { SipProxyOptions } from './options.ts';
export type { SipAddresses } from './sip-service.ts';

export const sipProxyDescriptor: ServiceDescriptor<SipProxyOptions> = {
  name: 'sip-proxy',
  title: 'Cisco SIP Proxy',
  purpose: 'Registrar and proxy: routes SIP requests by the configuration that the Config Agent writes.',
  kind: 'feature',
  isXcp: false,
  dependsOn: ['config-agent', 'route-datastore', 'login-datastore', 'sip-registration-datastore'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'RFC 3261', status: 'partial' },
    { spec: 'RFC 3263', status: 'complete' },
    { spec: 'RFC 3327', status: 'complete' },
    { spec: 'RFC 3428', status: 'partial' },
    { spec: 'RFC 3581', status: 'complete' },
    { spec: 'RFC 5393', status: 'complete' },
    { spec: 'RFC 5626', status: 'partial' },
    { spec: 'RFC 5658', status: 'complete' },
    { spec: 'RFC 7616', status: 'partial' },
  ],
  options: sipProxyOptions,
};

export interface SipProxyNeeds {
  /** Where the Config Agent writes. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  /** Address of the control port, under which the node's certificate is good. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly controlPort: number;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly registrations: SipRegistrationDatastore;
  readonly routeDatastore: RouteDatastore;
  /** Shared with the other faces of the node, so that a guesser has one set of attempts. */
  readonly throttle: LoginThrottle;
  /** Of this node in `enterprisenode`. */
  readonly nodeName: string;
  readonly listeners: SipListeners;
  /** Addresses that no cap per address counts. */
  readonly isExempt?: (address: string) => boolean;
  /** Where the Presence Engine takes SUBSCRIBE and PUBLISH; undefined while it does not. */
  readonly presenceEngine: () => Hop | undefined;
  /** Of users who have no digest in the IDS; default nobody. */
  readonly presetPassword?: PresetPassword;
}

export interface SipListeners {
  /** Address to listen on; a wildcard listens on every one. */
  readonly host: string;
  /** What Via, Record-Route and Path name; default `host`, or an address of the machine when that is a wildcard. */
  readonly advertisedHost?: string;
  /** Of UDP and TCP, which share it; 0 picks a free one. */
  readonly port: number;
  readonly tlsPort: number;
  /** Those that clients and peers come to besides; default none. */
  readonly further?: readonly FurtherListener[];
}

/** Where the Config Agent meets the proxy. */
export interface SipProxyControl {
  /** Where to call; undefined while the proxy is not running. */
  controlUrl(): string | undefined;
  /** Called each time the proxy has come up with a configuration. */
  onRunning(listener: () => void): Disposable;
}

export interface SipProxy extends SipProxyControl {
  /** What is in force; undefined while the proxy is not running. */
  configuration(): SipProxyConfiguration | undefined;
  /** Called with each configuration that comes into force. */
  onConfiguration(listener: (configuration: SipProxyConfiguration) => void): Disposable;
  /** Where SIP is listened for; undefined while it is not. A listener that could not be opened is undefined. */
  sipAddresses(): SipAddresses | undefined;
  /** New key and certificate for connections to come. */
  renewTls(tls: { readonly node: TlsMaterial; readonly ca: string }): void;
}

const SERVICE = 'sip-proxy';

/**
 * Starts with the configuration in its folder, and waits for a good one when there is none. A new version is loaded
 * when the Config Agent calls, or within `pollSeconds`; one that is not good is refused, and the old one stays.
 */
export function createSipProxy(needs: SipProxyNeeds, options: SipProxyOptions): Service & SipProxy {
  const { alarms } = needs;
  const log = needs.log.child({ subsystem: SERVICE });
  const notices = createRestartNotices({
    ...{ notifications: needs.notifications, changeFeed: needs.changeFeed, log },
    ...{ service: SERVICE, title: sipProxyDescriptor.title },
  });
  const counters = createSipProxyCounters(needs.metrics);
  const running = new Set<() => void>();
  const followers = new Set<(configuration: SipProxyConfiguration) => void>();
  let receiver: ConfigurationReceiver<SipProxyConfiguration> | undefined;
  let listener: ControlListener | undefined;
  let inForce: SipProxyConfiguration | undefined;
  let tls = needs.tls;
  let sip: SipService | undefined;
  /** A free port that was picked once is kept: clients know it. */
  let { listeners } = needs;

  const subscribe = <Listener>(set: Set<Listener>, each: Listener): Disposable => {
    set.add(each);
    return { [Symbol.dispose]: () => void set.delete(each) };
  };

  return {
    controlUrl() {
      if (!listener || listener.port === 0) return undefined;
      return `https://${isIPv6(needs.host) ? `[${needs.host}]` : needs.host}:${listener.port}`;
    },
    onRunning: (each) => subscribe(running, each),
    configuration: () => inForce,
    onConfiguration: (each) => subscribe(followers, each),
    sipAddresses: () => sip?.addresses(),
    renewTls(renewed) {
      tls = renewed;
      listener?.renew(renewed);
      sip?.renewTls(renewed);
    },

    async start(scope) {
      let startedBase: SipProxyBase | undefined;
      notices.restarted();
      let isLoaded: () => void = () => undefined;
      const loaded = new Promise<void>((resolve) => {
        isLoaded = resolve;
      });
      const made = createConfigurationReceiver({
        format: sipProxyFormat,
        store: createFileStore(needs.folder),
        log,
        apply({ base, dynamic }) {
          startedBase ??= base;
          inForce = { base: startedBase, dynamic };
          sip?.configure(inForce);
          for (const follower of followers) follower(inForce);
          const pending = restartNeeded(startedBase, base);
          notices.show(pending);
          return pending.map(({ setting }) => setting);
        },
        onRefused(error) {
          const name = error.code === 'configuration.missing' ? 'ESPConfigNotFound' : 'ESPConfigError';
          alarms.raise(SERVICE, name, 3, error.message);
        },
        onRunning() {
          alarms.clear(SERVICE, 'ESPConfigNotFound');
          alarms.clear(SERVICE, 'ESPConfigError');
          isLoaded();
        },
      });
      receiver = made;
      const control = createControlListener(
        tls,
        createControlApp({
          ...{ configuration: made, clock: needs.clock, log },
          onRequest: (isIpc) => counters.controlRequest(isIpc),
        }),
        log,
      );
      scope.defer(async () => {
        await control.close();
        listener = undefined;
        receiver = undefined;
        inForce = undefined;
      });
      await control.listen(needs.host, needs.controlPort);
      listener = control;
      scope.every(options.pollSeconds * 1000, async () => void (await made.look()));
      await made.look();
      // Without a configuration nothing can be routed: the Config Agent's call, or the next look, lets it go on.
      await untilAborted(loaded, scope.signal);
      const opened = createSipService({ ...needs, listeners, tls, log }, options);
      scope.defer(() => {
        sip = undefined;
      });
      if (inForce) opened.configure(inForce);
      await opened.start(scope);
      sip = opened;
      listeners = withPorts(listeners, opened);
      // It may have been replaced while the listeners were opened.
      if (inForce) opened.configure(inForce);
      for (const each of running) each();
    },
    detail() {
      const answer = receiver?.answer();
      if (!answer || answer.version === null || !inForce) return 'waiting for a configuration';
      const { staticRoutes, domains } = inForce.dynamic;
      const restart = answer.restartNeeded.length === 0 ? '' : `, restart for ${answer.restartNeeded.join(', ')}`;
      const refused = answer.refused === null ? '' : `, refused version ${answer.refused.version ?? 'unknown'}`;
      const serves = sip === undefined ? '' : `, ${sip.detail()}`;
      return `runs configuration ${answer.version}: ${domains.length} domains, ${staticRoutes.length} static routes${restart}${refused}${serves}`;
    },
  };
}

function withPorts(listeners: SipListeners, opened: SipService): SipListeners {
  const { udp, tcp, tls } = opened.addresses();
  const ports = opened.furtherPorts();
  return {
    ...listeners,
    port: udp ?? tcp ?? listeners.port,
    tlsPort: tls ?? listeners.tlsPort,
    ...(listeners.further && {
      further: listeners.further.map((each) => ({ ...each, port: ports.get(each.name) ?? each.port })),
    }),
  };
}
