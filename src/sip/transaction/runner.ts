import type { Clock } from '../../platform/clock.ts';
import type { Effect, Machine, Row } from './tables.ts';
import { type SipTiming, TIMERS, type TimerName } from './timing.ts';

export interface Runner<State extends string, Event extends string> {
  readonly state: State;
  /** Takes the row of the event, if there is one. */
  handle(event: Event): void;
  /** Stops the timers without any effect: the endpoint is closing. */
  stop(): void;
}

export interface RunnerOptions {
  readonly clock: Clock;
  readonly timing: SipTiming;
  readonly isReliable: boolean;
  readonly perform: (effect: Effect) => void;
  /** Counts each timer that runs out. */
  readonly statistics?: { timersFired: number };
  /** Called once, when the machine has come to its end. */
  readonly onEnd: () => void;
}

const INDEXES = new WeakMap<object, ReadonlyMap<string, Row<string, string>>>();

function indexOf(machine: Machine<string, string>): ReadonlyMap<string, Row<string, string>> {
  let index = INDEXES.get(machine);
  if (index === undefined) {
    index = new Map(machine.rows.map((row) => [`${row.from} ${row.on}`, row]));
    INDEXES.set(machine, index);
  }
  return index;
}

interface Running {
  readonly name: TimerName;
  timer: Disposable;
}

/** Runs a machine: rows, effects, and the timers of the state that it is in. */
export function createRunner<State extends string, Event extends string>(
  machine: Machine<State, Event>,
  options: RunnerOptions,
): Runner<State, Event> {
  const index = indexOf(machine as unknown as Machine<string, string>);
  let state = machine.initial;
  let running: Running[] = [];
  let isStopped = false;

  const schedule = (name: TimerName, interval: number): Disposable =>
    options.clock.schedule(interval, () => fire(name, interval));

  const fire = (name: TimerName, interval: number): void => {
    const before = running.find((each) => each.name === name);
    if (isStopped || before === undefined) return;
    if (options.statistics !== undefined) options.statistics.timersFired += 1;
    take(name);
    const { next } = TIMERS[name];
    if (!running.includes(before)) return;
    if (next === undefined) running = running.filter((each) => each !== before);
    // RFC 3261 17.1.2.2: once a provisional response has come, E is T2.
    else
      before.timer = schedule(
        name,
        name === 'E' && state === 'proceeding' ? options.timing.t2 : next(interval, options.timing),
      );
  };

  /** Timers that both states have go on running; those of the old one alone stop; those of the new one start. */
  const enter = (next: State): readonly TimerName[] => {
    state = next;
    const wanted = machine.timers[next] ?? [];
    for (const each of running) if (!wanted.includes(each.name)) each.timer[Symbol.dispose]();
    running = running.filter((each) => wanted.includes(each.name));
    const immediate: TimerName[] = [];
    for (const name of wanted) {
      const spec = TIMERS[name];
      if (running.some((each) => each.name === name) || (spec.isForUnreliable === true && options.isReliable)) continue;
      const interval = spec.first(options.timing, options.isReliable);
      if (interval === 0) immediate.push(name);
      else running.push({ name, timer: schedule(name, interval) });
    }
    return immediate;
  };

  const take = (event: string): void => {
    const row = index.get(`${state} ${event}`) as Row<State, Event> | undefined;
    if (row === undefined) return;
    // The state comes first: an effect may bring the next event (a transport that fails at once).
    const immediate = row.to === state ? [] : enter(row.to);
    for (const effect of row.effects) options.perform(effect);
    // Timers of zero seconds end a state that only waits for retransmissions (RFC 3261 17.1.1.2).
    for (const name of immediate) if (state === row.to) take(name);
    if (row.to === 'terminated' && state === row.to) options.onEnd();
  };

  enter(machine.initial);
  return {
    get state() {
      return state;
    },
    handle(event) {
      if (!isStopped) take(event);
    },
    stop() {
      isStopped = true;
      for (const each of running) each.timer[Symbol.dispose]();
      running = [];
    },
  };
}
