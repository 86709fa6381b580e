import { z } from 'zod';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Notifications } from '../../platform/notifications.ts';
import type { Scope } from '../../platform/service.ts';
import { configChangedSchema } from '../../rpc/handover/answer.ts';
import type { ConfigurationError } from '../../rpc/handover/errors.ts';
import { createFileStore } from '../../rpc/handover/file-store.ts';
import { type ConfigurationReceiver, createConfigurationReceiver } from '../../rpc/handover/receiver.ts';
import { createRestartNotices } from '../../rpc/handover/restart-notices.ts';
import { untilAborted } from '../../rpc/handover/until.ts';
import type { EngineConfiguration } from '../../rpc/presence-engine/configuration.ts';
import { engineFormat } from '../../rpc/presence-engine/format.ts';
import { createRpcServer, type RpcServer, rpcMethod } from '../../rpc/server.ts';
import { effectiveConfiguration } from './effective.ts';
import { ENGINE_SERVICE } from './names.ts';

export interface ConfigurationControlNeeds {
  /** Where the OAM Agent writes. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
  readonly changeFeed: ChangeFeed;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  /** Address of the control port, under which the node's certificate is good. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly controlPort: number;
}

/** Where the OAM Agent meets the engine. */
export interface PresenceEngineControl {
  /** Where to call; undefined while the engine is not running. */
  controlAddress(): { readonly host: string; readonly port: number } | undefined;
  /** Called each time the engine has come up with a configuration. */
  onRunning(listener: () => void): Disposable;
}

/** The configuration that the engine runs: read at its start, then whenever there is a new version. */
export interface ConfigurationControl extends PresenceEngineControl {
  /** What is in force; undefined while the engine is not running. */
  configuration(): EngineConfiguration | undefined;
  /** Called with each configuration that comes into force. */
  onConfiguration(listener: (configuration: EngineConfiguration) => void): Disposable;
  /** Opens the control port; resolves with the first good configuration. */
  open(scope: Scope, pollSeconds: number): Promise<EngineConfiguration>;
  /** New key and certificate for connections to come. */
  renewTls(tls: ConfigurationControlNeeds['tls']): void;
  /** Tells those who wait that the engine has come up. */
  announce(): void;
  /** A clause for the administrator. */
  detail(): string;
}

const ALARMS = [
  'PEOamInitialConfigFileError',
  'PEOamInvalidInitialConfigFile',
  'PEOamConfigFileError',
  'PEOamInvalidConfigFile',
] as const;

/** The product's name for what is wrong with the file, at the start and later. */
function alarmOf(error: ConfigurationError, isInitial: boolean): (typeof ALARMS)[number] {
  const isAbsent = error.code === 'configuration.missing' || error.code === 'configuration.unreadable';
  if (isInitial) return isAbsent ? 'PEOamInitialConfigFileError' : 'PEOamInvalidInitialConfigFile';
  return isAbsent ? 'PEOamConfigFileError' : 'PEOamInvalidConfigFile';
}

export function createConfigurationControl(needs: ConfigurationControlNeeds): ConfigurationControl {
  const { log } = needs;
  const notices = createRestartNotices({
    ...{ notifications: needs.notifications, changeFeed: needs.changeFeed, log },
    ...{ service: ENGINE_SERVICE, title: 'Cisco Presence Engine' },
  });
  const running = new Set<() => void>();
  const followers = new Set<(configuration: EngineConfiguration) => void>();
  let receiver: ConfigurationReceiver<EngineConfiguration> | undefined;
  let server: RpcServer | undefined;
  let inForce: EngineConfiguration | undefined;

  const subscribe = <Listener>(set: Set<Listener>, each: Listener): Disposable => {
    set.add(each);
    return { [Symbol.dispose]: () => void set.delete(each) };
  };

  return {
    controlAddress: () => (server ? { host: needs.host, port: server.port } : undefined),
    onRunning: (each) => subscribe(running, each),
    configuration: () => inForce,
    onConfiguration: (each) => subscribe(followers, each),
    renewTls: (renewed) => server?.renew(renewed),
    announce() {
      for (const each of running) each();
    },

    async open(scope, pollSeconds) {
      let started: EngineConfiguration | undefined;
      notices.restarted();
      let isLoaded: () => void = () => undefined;
      const loaded = new Promise<void>((resolve) => {
        isLoaded = resolve;
      });
      const made = createConfigurationReceiver({
        format: engineFormat,
        store: createFileStore(needs.folder),
        log,
        apply(newer) {
          started ??= newer;
          const { configuration, restartNeeded } = effectiveConfiguration(started, newer);
          inForce = configuration;
          for (const follower of followers) follower(configuration);
          notices.show(restartNeeded);
          return restartNeeded.map(({ setting }) => setting);
        },
        onRefused(error) {
          const isInitial = started === undefined;
          needs.alarms.raise(ENGINE_SERVICE, alarmOf(error, isInitial), isInitial ? 2 : 3, error.message);
        },
        onRunning() {
          for (const name of ALARMS) needs.alarms.clear(ENGINE_SERVICE, name);
          isLoaded();
        },
      });
      receiver = made;
      const control = createRpcServer({
        name: 'the control port of the Presence Engine',
        tls: needs.tls,
        methods: {
          configChanged: rpcMethod({
            params: configChangedSchema,
            handle: ({ version }) => made.configChanged(version),
          }),
          configVersion: rpcMethod({ params: z.strictObject({}).optional(), handle: async () => made.answer() }),
        },
        clock: needs.clock,
        log,
      });
      await control.listen(needs.host, needs.controlPort);
      server = control;
      scope.defer(async () => {
        server = undefined;
        receiver = undefined;
        inForce = undefined;
        await control.close();
      });
      scope.every(pollSeconds * 1000, async () => void (await made.look()));
      await made.look();
      // The engine does not start without a good configuration: the agent's call, or the next look, lets it go on.
      await untilAborted(loaded, scope.signal);
      if (!inForce) throw new Error('a configuration was loaded and is not in force');
      return inForce;
    },
    detail() {
      const answer = receiver?.answer();
      if (!answer || answer.version === null || !inForce) return 'waiting for a configuration';
      const restart = answer.restartNeeded.length === 0 ? '' : `, restart for ${answer.restartNeeded.join(', ')}`;
      const refused = answer.refused === null ? '' : `, refused version ${answer.refused.version ?? 'unknown'}`;
      return `runs configuration ${answer.version}: ${inForce.gateways.length} presence gateways${restart}${refused}`;
    },
  };
}
