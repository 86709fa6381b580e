import { isIPv6 } from 'node:net';
import { z } from 'zod';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { createFileStore } from '../../rpc/handover/file-store.ts';
import { type ConfigurationReceiver, createConfigurationReceiver } from '../../rpc/handover/receiver.ts';
import { untilAborted } from '../../rpc/handover/until.ts';
import type { SipProxyBase, SipProxyConfiguration } from '../../rpc/sip-proxy/configuration.ts';
import { sipProxyFormat } from '../../rpc/sip-proxy/format.ts';
import { createControlApp } from './control-app.ts';
import { type ControlListener, createControlListener } from './control-listener.ts';
import { restartNeeded } from './restart-needed.ts';

const optionsSchema = z.strictObject({
  pollSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe('How often the configuration file is looked at, should a call of the Config Agent be lost.'),
});

export type SipProxyOptions = z.infer<typeof optionsSchema>;

export const sipProxyDescriptor: ServiceDescriptor<SipProxyOptions> = {
  name: 'sip-proxy',
  title: 'Cisco SIP Proxy',
  purpose: 'Registrar and proxy: routes SIP requests by the configuration that the Config Agent writes.',
  kind: 'feature',
  isXcp: false,
  dependsOn: ['config-agent', 'route-datastore', 'login-datastore'],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

export interface SipProxyNeeds {
  /** Where the Config Agent writes. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  /** Address of the control port, under which the node's certificate is good. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly controlPort: number;
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
}

const SERVICE = 'sip-proxy';

/**
 * Starts with the configuration in its folder, and waits for a good one when there is none. A new version is loaded
 * when the Config Agent calls, or within `pollSeconds`; one that is not good is refused, and the old one stays.
 */
export function createSipProxy(needs: SipProxyNeeds, options: SipProxyOptions): Service & SipProxy {
  const { alarms } = needs;
  const log = needs.log.child({ subsystem: SERVICE });
  const running = new Set<() => void>();
  const followers = new Set<(configuration: SipProxyConfiguration) => void>();
  let receiver: ConfigurationReceiver<SipProxyConfiguration> | undefined;
  let listener: ControlListener | undefined;
  let inForce: SipProxyConfiguration | undefined;

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

    async start(scope) {
      let startedBase: SipProxyBase | undefined;
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
          for (const follower of followers) follower(inForce);
          return restartNeeded(startedBase, base);
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
        needs.tls,
        createControlApp({ configuration: made, clock: needs.clock, log }),
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
      for (const each of running) each();
    },
    detail() {
      const answer = receiver?.answer();
      if (!answer || answer.version === null || !inForce) return 'waiting for a configuration';
      const { staticRoutes, domains } = inForce.dynamic;
      const restart = answer.restartNeeded.length === 0 ? '' : `, restart for ${answer.restartNeeded.join(', ')}`;
      const refused = answer.refused === null ? '' : `, refused version ${answer.refused.version ?? 'unknown'}`;
      return `runs configuration ${answer.version}: ${domains.length} domains, ${staticRoutes.length} static routes${restart}${refused}`;
    },
  };
}
