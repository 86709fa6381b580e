import type { AlarmSeverity, Alarms } from '../../platform/alarms.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Scope } from '../../platform/service.ts';
import { RpcError } from '../errors.ts';
import type { ComponentPeer, RunningAnswer } from './answer.ts';
import { createTurns } from './turns.ts';
import type { ConfigurationWriter, WriteOutcome } from './writer.ts';

export interface KeeperAlarm {
  /** Whose alarm it is, by folder name. */
  readonly service: string;
  readonly name: string;
  readonly severity: AlarmSeverity;
}

export interface KeeperNeeds<Content> {
  /** For sentences: `SIP Proxy`; for labels of metrics: `sip-proxy`. */
  readonly title: string;
  readonly component: string;
  readonly writer: ConfigurationWriter<Content>;
  readonly peer: ComponentPeer;
  /**
   * The complete configuration, from one consistent read; what cannot be used is left out and reported by the builder.
   * @param previous what was written last, for settings whose new value cannot be used
   */
  build(previous: Content | undefined): Promise<Content | { readonly nothing: string }>;
  readonly alarms: Alarms;
  readonly alarmNames: {
    readonly database: KeeperAlarm;
    /** The first file ever could not be written. */
    readonly firstWrite: KeeperAlarm;
    readonly write: KeeperAlarm;
    /** A component refused to start with what it found. */
    readonly refusedAtStart: KeeperAlarm;
    readonly refused: KeeperAlarm;
    /** null: calls that are lost are the change feed's to repeat. */
    readonly notification: KeeperAlarm | null;
  };
  /** Pauses between calls that are lost; null: `publish` rejects instead. */
  readonly retry: { readonly firstMs: number; readonly mostMs: number } | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Keeps a component's configuration equal to the IDS: writes, tells, watches, repairs. */
export interface ConfigurationKeeper {
  /** Builds, writes what differs, tells the component; answers one clause for the trace. */
  publish(): Promise<string>;
  /** Looks whether file and component are as they should be, and puts right what is not. Never rejects. */
  check(): Promise<void>;
  /** The component has come up: whatever the one before did not answer, this one is asked at once. */
  componentCameUp(): Promise<void>;
  detail(): string;
}

type Told =
  | { readonly kind: 'down' }
  | { readonly kind: 'known'; readonly answer: RunningAnswer }
  | { readonly kind: 'told'; readonly answer: RunningAnswer }
  | { readonly kind: 'later'; readonly reason: string };

export function createConfigurationKeeper<Content extends object>(
  needs: KeeperNeeds<Content>,
  scope: Scope,
): ConfigurationKeeper {
  const { title, peer, alarms, alarmNames, retry, metrics } = needs;
  const inTurn = createTurns();
  const label = { component: needs.component };
  const writtenGauge = metrics.gauge('imp_config_written_version', 'Version written for a component', ['component']);
  const runningGauge = metrics.gauge('imp_config_running_version', 'Version that a component runs', ['component']);
  const writes = metrics.counter('imp_config_writes_total', 'Versions written', ['component']);
  const repairs = metrics.counter('imp_config_repairs_total', 'Files put right that were not as written', [
    'component',
  ]);
  const refusals = metrics.counter('imp_config_refusals_total', 'Versions a component refused', ['component']);
  const losses = metrics.counter('imp_config_lost_calls_total', 'Calls to a component without answer', ['component']);
  let desired: Content | undefined;
  let written: number | undefined;
  /** What the component said last; undefined when it is not running or was not asked. */
  let last: RunningAnswer | undefined;
  let lost = 0;
  let isRetrying = false;
  let trouble = '';
  /** A version was written and no line of the trace tells of it yet. */
  let isUntold = false;

  const raise = (alarm: KeeperAlarm, message: string): void =>
    alarms.raise(alarm.service, alarm.name, alarm.severity, message);
  const clear = (alarm: KeeperAlarm | null): void => {
    if (alarm) alarms.clear(alarm.service, alarm.name);
  };

  const build = async (): Promise<string | undefined> => {
    let built: Content | { readonly nothing: string };
    try {
      built = await needs.build(desired ?? (await needs.writer.current())?.content);
    } catch (error) {
      trouble = `the IDS cannot be read: ${describeError(error)}`;
      raise(alarmNames.database, trouble);
      throw error;
    }
    clear(alarmNames.database);
    if ('nothing' in built) {
      trouble = built.nothing;
      return built.nothing;
    }
    desired = built;
    return undefined;
  };

  const write = async (content: Content, atLeast: number): Promise<WriteOutcome> => {
    try {
      const outcome = await needs.writer.write(content, atLeast);
      written = outcome.version;
      trouble = '';
      writtenGauge.set(label, outcome.version);
      if (outcome.change !== 'unchanged') {
        writes.inc(label);
        isUntold = true;
      }
      clear(alarmNames.firstWrite);
      clear(alarmNames.write);
      return outcome;
    } catch (error) {
      trouble = describeError(error);
      raise(written === undefined ? alarmNames.firstWrite : alarmNames.write, `${title}: ${trouble}`);
      throw error;
    }
  };

  const hear = (answer: RunningAnswer): RunningAnswer => {
    const isNews = answer.refused !== null && answer.refused.version !== last?.refused?.version;
    last = answer;
    lost = 0;
    runningGauge.set(label, answer.version ?? 0);
    clear(alarmNames.notification);
    if (answer.refused) {
      if (isNews) refusals.inc(label);
      const alarm = answer.version === null ? alarmNames.refusedAtStart : alarmNames.refused;
      raise(alarm, `${title} refused version ${answer.refused.version}: ${answer.refused.reason}`);
    } else if (answer.version === written) {
      clear(alarmNames.refusedAtStart);
      clear(alarmNames.refused);
    }
    return answer;
  };

  const isDown = (error: unknown): boolean => error instanceof RpcError && error.code === 'rpc.unreachable';

  const down = (): Told => {
    last = undefined;
    lost = 0;
    runningGauge.set(label, 0);
    clear(alarmNames.notification);
    return { kind: 'down' };
  };

  const retryLater = (): number => {
    const pause = retry ? Math.min(retry.firstMs * 2 ** (lost - 1), retry.mostMs) : 0;
    isRetrying = true;
    scope.run(async (signal) => {
      await sleep(needs.clock, pause, signal);
      isRetrying = false;
      await check();
    });
    return pause;
  };

  /** Does `call`, and sorts out what its failure means. */
  const ask = async (call: () => Promise<RunningAnswer>): Promise<Told> => {
    if (!peer.isRunning()) return down();
    if (isRetrying) return { kind: 'later', reason: 'it does not answer' };
    try {
      return { kind: 'told', answer: hear(await call()) };
    } catch (error) {
      if (scope.signal.aborted) throw error;
      if (isDown(error)) return down();
      last = undefined;
      lost += 1;
      losses.inc(label);
      const reason = describeError(error);
      needs.log.warn({ component: needs.component, lost, err: reason }, 'component could not be told');
      if (alarmNames.notification) raise(alarmNames.notification, `${title} could not be told: ${reason}`);
      if (!retry) throw error;
      return { kind: 'later', reason: `${reason}; next call in ${retryLater() / 1000} s` };
    }
  };

  const tell = async ({ version, change }: WriteOutcome): Promise<Told> => {
    // It may have refused what lay there before that was put right: then it must look again.
    const isKnown = change !== 'repaired' && (last?.version === version || last?.refused?.version === version);
    if (last && isKnown && peer.isRunning()) return { kind: 'known', answer: last };
    return await ask(() => peer.configChanged(version, scope.signal));
  };

  /** Writes and tells; once more when the component runs a version that we have lost the memory of. */
  const put = async (content: Content): Promise<{ readonly outcome: WriteOutcome; readonly told: Told }> => {
    const outcome = await write(content, last?.version ?? 0);
    const told = await tell(outcome);
    if (!('answer' in told) || (told.answer.version ?? 0) <= outcome.version) return { outcome, told };
    const again = await write(content, told.answer.version ?? 0);
    return { outcome: again, told: await tell(again) };
  };

  const check = async (): Promise<void> => {
    await inTurn(async () => {
      try {
        if (desired === undefined && (await build()) !== undefined) return;
        if (desired === undefined) return;
        const hadWritten = written !== undefined;
        // What is known of the component may be old news.
        if (last) await ask(() => peer.configVersion(scope.signal));
        const { outcome } = await put(desired);
        if (hadWritten && outcome.change === 'repaired') {
          repairs.inc(label);
          needs.log.warn({ version: outcome.version }, 'configuration file was not as written, and was put right');
        }
      } catch (error) {
        if (scope.signal.aborted) return;
        // The alarm is up already; the next look tries again.
        needs.log.warn(
          { component: needs.component, err: describeError(error) },
          'configuration could not be put right',
        );
      }
    });
  };

  return {
    publish: () =>
      inTurn(async () => {
        const nothing = await build();
        if (nothing !== undefined || desired === undefined) return `nothing written: ${nothing ?? ''}`;
        const { outcome, told } = await put(desired);
        const wrote = isUntold ? `wrote version ${outcome.version}` : 'unchanged';
        isUntold = false;
        return `${wrote}, ${clauseOf(title, outcome.version, told)}`;
      }),
    check,
    async componentCameUp() {
      // It is another one than the one that did not answer.
      isRetrying = false;
      lost = 0;
      await check();
    },
    detail() {
      if (written === undefined) return trouble === '' ? 'nothing written yet' : `nothing written: ${trouble}`;
      const runs = last
        ? clauseOf(title, written, { kind: 'known', answer: last })
        : peer.isRunning()
          ? `${title} has not answered`
          : `${title} is not running`;
      return `version ${written} is written, ${runs}${trouble === '' ? '' : `; ${trouble}`}`;
    },
  };
}

function clauseOf(title: string, version: number, told: Told): string {
  switch (told.kind) {
    case 'down':
      return `${title} is not running and reads it at its start`;
    case 'later':
      return `${title} could not be told: ${told.reason}`;
    default: {
      const { answer } = told;
      const runs = answer.version === null ? 'runs none' : `runs ${answer.version}`;
      if (answer.refused?.version === version) {
        return `${title} refused it and ${runs}: ${answer.refused.reason}`;
      }
      const restart =
        answer.restartNeeded.length === 0 ? '' : `, in full after a restart (${answer.restartNeeded.join(', ')})`;
      return `${title} ${runs}${restart}`;
    }
  }
}
