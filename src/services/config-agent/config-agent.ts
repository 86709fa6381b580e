import { z } from 'zod';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { AlarmSeverity, Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { createFileStore, type FileOperations } from '../../rpc/handover/file-store.ts';
import { type ConfigurationKeeper, createConfigurationKeeper } from '../../rpc/handover/keeper.ts';
import { type ConfigurationProblem, sentenceOf } from '../../rpc/handover/parameters.ts';
import { createConfigurationWriter } from '../../rpc/handover/writer.ts';
import type { SipProxyConfiguration } from '../../rpc/sip-proxy/configuration.ts';
import { sipProxyFormat } from '../../rpc/sip-proxy/format.ts';
import type { SipProxyControl } from '../sip-proxy/sip-proxy.ts';
import { buildConfiguration } from './build-configuration.ts';
import { createHeartbeats, type Heartbeats, type OtherNode } from './heartbeats.ts';
import { createProxyPeer } from './proxy-peer.ts';
import { CONFIG_AGENT_TABLES, readRows } from './read-rows.ts';
import { createWatermarks, LOOK_MS, measureNodeLoad, type NodeLoad } from './watermarks.ts';

const percent = (value: number, doc: string): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(1).max(100).default(value).describe(doc);

const optionsSchema = z.strictObject({
  checkSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe('How often file and SIP Proxy are looked at, and put right.'),
  callTimeoutSeconds: z.number().int().min(1).max(120).default(10).describe('Time in which the SIP Proxy must answer.'),
  proxyUrl: z
    .union([z.literal(''), z.url({ protocol: /^https$/, error: 'must be an https URL' })])
    .default('')
    .describe("Control interface of another SIP Proxy that reads the files; empty: the node's own."),
  heartbeatSeconds: z
    .number()
    .int()
    .min(1)
    .max(600)
    .default(5)
    .describe('How often the Config Agents of the other nodes are called.'),
  cpuHighPercent: percent(90, 'Above this share of the processors for a minute an alarm is raised.'),
  cpuLowPercent: percent(80, 'Below it that alarm is cleared.'),
  memoryHighPercent: percent(90, "Above this share of the machine's memory for a minute an alarm is raised."),
  memoryLowPercent: percent(80, 'Below it that alarm is cleared.'),
});

export type ConfigAgentOptions = z.infer<typeof optionsSchema>;

export const configAgentDescriptor: ServiceDescriptor<ConfigAgentOptions> = {
  name: 'config-agent',
  title: 'Cisco Config Agent',
  purpose: 'A change-notification service: notifies the SIP Proxy of configuration changes in the IDS database.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

export interface ConfigAgentNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** Where the files are written. */
  readonly folder: string;
  /** Name of this node in `enterprisenode` and `serviceparameter`. */
  readonly nodeName: string;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly proxy: SipProxyControl;
  /** Where heartbeats are taken; port 0: there are none. */
  readonly heartbeats: { readonly host: string; readonly port: number };
  /** Absent: measured. */
  readonly readLoad?: () => NodeLoad;
  /** For tests of a failing disk. */
  readonly files?: FileOperations;
}

const SERVICE = 'config-agent';
const own = (name: string, severity: AlarmSeverity = 3) => ({ service: SERVICE, name, severity });
/** The proxy's own alarm: raised by whichever of the two sees it first. */
const PROXY_REFUSED = { service: 'sip-proxy', name: 'ESPConfigError', severity: 3 } as const;

export interface ConfigAgent {
  /** New key and certificate for connections to come. */
  renewTls(tls: ConfigAgentNeeds['tls']): void;
}

/** Builds the complete configuration at each change, writes it, and calls the SIP Proxy (docs/services/config-agent.md). */
export function createConfigAgent(needs: ConfigAgentNeeds, options: ConfigAgentOptions): Service & ConfigAgent {
  const { alarms } = needs;
  const log = needs.log.child({ subsystem: SERVICE });
  let keeper: ConfigurationKeeper | undefined;
  let heartbeats: Heartbeats | undefined;
  let others: readonly OtherNode[] = [];

  const report = (name: string, severity: AlarmSeverity, problems: readonly ConfigurationProblem[]): void => {
    if (problems.length === 0) alarms.clear(SERVICE, name);
    else alarms.raise(SERVICE, name, severity, sentenceOf(problems));
  };

  const build = async (
    previous: SipProxyConfiguration | undefined,
  ): Promise<SipProxyConfiguration | { readonly nothing: string }> => {
    const built = buildConfiguration(await readRows(needs.ids, needs.changeFeed), needs.nodeName, previous);
    report('EspConfigAgentSharedMemoryStaticRouteError', 3, built.routeProblems);
    report('ESPConfigError', 3, built.problems);
    if (built.configuration) {
      alarms.clear(SERVICE, 'EspConfigAgentProxyDomainNotConfigured');
      others = built.configuration.dynamic.nodes.filter(({ name }) => name !== needs.nodeName);
      return built.configuration;
    }
    const nothing = 'there is no default IM domain, and without it no request is local';
    alarms.raise(SERVICE, 'EspConfigAgentProxyDomainNotConfigured', 4, nothing);
    return { nothing };
  };

  return {
    async start(scope) {
      const peer = createProxyPeer({
        url: () => (options.proxyUrl === '' ? needs.proxy.controlUrl() : options.proxyUrl),
        tls: needs.tls,
        clock: needs.clock,
        timeoutMs: options.callTimeoutSeconds * 1000,
      });
      scope.defer(async () => void (await peer[Symbol.asyncDispose]()));
      const made = createConfigurationKeeper(
        {
          title: 'SIP Proxy',
          component: 'sip-proxy',
          writer: createConfigurationWriter(sipProxyFormat, createFileStore(needs.folder, needs.files), log),
          peer,
          build,
          alarms,
          alarmNames: {
            database: own('EspConfigAgentLocalDBAccessError'),
            firstWrite: own('EspConfigAgentFileWriteError'),
            write: own('EspConfigAgentFileWriteError'),
            refusedAtStart: PROXY_REFUSED,
            refused: PROXY_REFUSED,
            notification: null,
          },
          retry: null,
          clock: needs.clock,
          log,
          metrics: needs.metrics,
        },
        scope,
      );
      keeper = made;
      const watch = needs.proxy.onRunning(() => scope.run(() => made.componentCameUp()));
      scope.defer(() => watch[Symbol.dispose]());
      const heard = createHeartbeats({ ...needs, ...needs.heartbeats, service: SERVICE, log }, scope);
      heartbeats = heard;
      scope.defer(() => {
        heartbeats = undefined;
      });
      scope.every(options.heartbeatSeconds * 1000, () => heard.beat(others));
      const readLoad = needs.readLoad ?? measureNodeLoad(() => needs.clock.monotonic());
      scope.every(LOOK_MS, createWatermarks(SERVICE, readLoad, alarms, options));
      // The feed says nothing when nothing changed: what a kill left half done is finished here.
      await made.check();
      scope.every(options.checkSeconds * 1000, () => made.check());
      scope.run((signal) =>
        needs.changeFeed.follow({ consumer: SERVICE, tables: CONFIG_AGENT_TABLES, start: 'resume', signal }, () =>
          made.publish(),
        ),
      );
    },
    detail() {
      const heard = heartbeats?.detail() ?? '';
      return `${keeper?.detail() ?? 'nothing written yet'}${heard === '' ? '' : `, ${heard}`}`;
    },
    renewTls: (tls) => heartbeats?.renewTls(tls),
  };
}
