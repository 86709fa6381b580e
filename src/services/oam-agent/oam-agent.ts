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
import { sentenceOf } from '../../rpc/handover/parameters.ts';
import { createConfigurationWriter } from '../../rpc/handover/writer.ts';
import type { EngineConfiguration } from '../../rpc/presence-engine/configuration.ts';
import { engineFormat } from '../../rpc/presence-engine/format.ts';
import type { PresenceEngineControl } from '../presence-engine/presence-engine.ts';
import { buildEngineConfiguration } from './build-configuration.ts';
import { createEnginePeer, parseAddress } from './engine-peer.ts';
import { OAM_AGENT_TABLES, readRows } from './read-rows.ts';

const optionsSchema = z.strictObject({
  checkSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('How often file and Presence Engine are looked at, and put right.'),
  callTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(120)
    .default(10)
    .describe('Time in which the Presence Engine must answer.'),
  engineAddress: z
    .string()
    .refine((text) => text === '' || parseAddress(text) !== undefined, { error: 'must be host:port' })
    .default('')
    .describe("host:port of another Presence Engine that reads the file; empty: the node's own."),
});

export type OamAgentOptions = z.infer<typeof optionsSchema>;

export const oamAgentDescriptor: ServiceDescriptor<OamAgentOptions> = {
  name: 'oam-agent',
  title: 'Cisco OAM Agent',
  purpose:
    'Monitors configuration parameters in the IDS that are of interest to the Presence Engine; on a change it writes a configuration file and notifies the engine.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

export interface OamAgentNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** Where the file is written. */
  readonly folder: string;
  /** Name of this node in `enterprisenode` and `serviceparameter`. */
  readonly nodeName: string;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly engine: PresenceEngineControl;
  /** For tests of a failing disk. */
  readonly files?: FileOperations;
}

const SERVICE = 'oam-agent';
const RETRY = { firstMs: 5_000, mostMs: 5 * 60_000 };
const own = (name: string, severity: AlarmSeverity) => ({ service: SERVICE, name, severity });
/** The engine's own alarms: raised by whichever of the two sees it first. */
const engines = (name: string, severity: AlarmSeverity) => ({ service: 'presence-engine', name, severity });

/** Builds the complete configuration at each change, writes it, and calls the engine (docs/services/oam-agent.md). */
export function createOamAgent(needs: OamAgentNeeds, options: OamAgentOptions): Service {
  const log = needs.log.child({ subsystem: SERVICE });
  const elsewhere = parseAddress(options.engineAddress);
  let keeper: ConfigurationKeeper | undefined;

  const build = async (
    previous: EngineConfiguration | undefined,
  ): Promise<EngineConfiguration | { readonly nothing: string }> => {
    const rows = await readRows(needs.ids, needs.changeFeed);
    const { configuration, problems } = buildEngineConfiguration(rows, needs.nodeName, previous);
    const all =
      'nothing' in configuration
        ? [...problems, { element: 'configuration', reason: configuration.nothing }]
        : problems;
    if (all.length === 0) needs.alarms.clear(SERVICE, 'PEOamInvalidConfigFile');
    else needs.alarms.raise(SERVICE, 'PEOamInvalidConfigFile', 3, sentenceOf(all));
    return configuration;
  };

  return {
    async start(scope) {
      const peer = createEnginePeer({
        address: () => elsewhere ?? needs.engine.controlAddress(),
        tls: needs.tls,
        clock: needs.clock,
        log,
        timeoutMs: options.callTimeoutSeconds * 1000,
      });
      scope.defer(async () => void (await peer[Symbol.asyncDispose]()));
      const made = createConfigurationKeeper(
        {
          title: 'Presence Engine',
          component: 'presence-engine',
          writer: createConfigurationWriter(engineFormat, createFileStore(needs.folder, needs.files), log),
          peer,
          build,
          alarms: needs.alarms,
          alarmNames: {
            database: own('PEDatabaseError', 2),
            firstWrite: own('PEOamInitialConfigFileError', 2),
            write: own('PEOamConfigFileError', 3),
            refusedAtStart: engines('PEOamInvalidInitialConfigFile', 2),
            refused: engines('PEOamInvalidConfigFile', 3),
            notification: own('PEConfigNotificationFailure', 3),
          },
          retry: RETRY,
          clock: needs.clock,
          log,
          metrics: needs.metrics,
        },
        scope,
      );
      keeper = made;
      const watch = needs.engine.onRunning(() => scope.run(() => made.componentCameUp()));
      scope.defer(() => watch[Symbol.dispose]());
      // The feed says nothing when nothing changed: what a kill left half done is finished here.
      await made.check();
      scope.every(options.checkSeconds * 1000, () => made.check());
      scope.run((signal) =>
        needs.changeFeed.follow({ consumer: SERVICE, tables: OAM_AGENT_TABLES, start: 'resume', signal }, () =>
          made.publish(),
        ),
      );
    },
    detail: () => keeper?.detail() ?? 'nothing written yet',
  };
}
