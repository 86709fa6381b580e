import { ImpError } from '../platform/errors.ts';

/** A fault to set: `throttle=3`. Checked already. */
export interface FaultSetting {
  readonly name: FaultName;
  readonly value: string;
}

interface FaultKind {
  readonly name: string;
  /** `count`: the next so many answers, or `on` until it is cleared; `action`: done at once, not kept. */
  readonly kind: 'count' | 'switch' | 'duration' | 'rate' | 'text' | 'action';
  readonly sentence: string;
}

/** Every fault: name, kind of value, and what it does. The documentation shows this table. */
export const FAULTS = [
  { name: 'latency', kind: 'duration', sentence: 'Every AXL answer waits so long first: 250, 250ms or 2s' },
  { name: 'error-rate', kind: 'rate', sentence: 'So large a share of the requests ends in fault 5000: 0.1 or 10%' },
  {
    name: 'throttle',
    kind: 'count',
    sentence: 'Writes are answered 503, the change queue being too long: the next N, or on',
  },
  { name: 'memory', kind: 'count', sentence: 'AXL memory is used up (fault -1): the next N requests, or on' },
  { name: 'garbage', kind: 'count', sentence: 'Answers are no XML: the next N, or on' },
  {
    name: 'truncate',
    kind: 'count',
    sentence: 'Answers are cut in the middle and the connection closed: the next N, or on',
  },
  { name: 'stopped', kind: 'switch', sentence: 'The AXL service is stopped: 404' },
  { name: 'down', kind: 'switch', sentence: 'The server is away: connections are cut without an answer' },
  { name: 'expired-certificate', kind: 'switch', sentence: 'The certificate shown has run out' },
  { name: 'versions', kind: 'text', sentence: 'Schema versions that are accepted: 12.0,12.5' },
  { name: 'queue-reset', kind: 'action', sentence: 'listChange forgets its queue and takes a new queue id' },
  {
    name: 'restart',
    kind: 'action',
    sentence: 'The AXL service restarts: connections cut, sessions and queue forgotten',
  },
  {
    name: 'password-change',
    kind: 'action',
    sentence: "The administrator's password becomes the value, or USER:PASSWORD",
  },
] as const satisfies readonly FaultKind[];

export type FaultName = (typeof FAULTS)[number]['name'];

const OFF = /^(?:|0|off|false|no|none|null)$/i;
const ON = /^(?:on|true|yes)$/i;

/** `NAME=VALUE` as the command line gives them. @throws ImpError `mock-cucm.fault-name`, `mock-cucm.fault-value` */
export function parseFaults(given: readonly string[]): readonly FaultSetting[] {
  return given.map((each) => {
    const at = each.indexOf('=');
    return at < 0 ? checkFault(each, 'on') : checkFault(each.slice(0, at), each.slice(at + 1));
  });
}

/** @throws ImpError `mock-cucm.fault-name`, `mock-cucm.fault-value` */
export function checkFault(name: string, value: string): FaultSetting {
  const kind = FAULTS.find((each) => each.name === name.trim());
  if (!kind) {
    const names = FAULTS.map((each) => each.name).join(', ');
    throw new ImpError('invalid', 'mock-cucm.fault-name', `there is no fault ${name}: there are ${names}`);
  }
  const setting = { name: kind.name, value: value.trim() };
  if (!isValue(kind, setting.value)) {
    throw new ImpError('invalid', 'mock-cucm.fault-value', `${value} is no value of ${kind.name}: ${kind.sentence}`);
  }
  return setting;
}

function isValue(kind: FaultKind, value: string): boolean {
  switch (kind.kind) {
    case 'action':
      return kind.name !== 'password-change' || value !== '';
    case 'count':
      return OFF.test(value) || ON.test(value) || /^\d{1,9}$/.test(value);
    case 'switch':
      return OFF.test(value) || ON.test(value) || value === '1';
    case 'duration':
      return OFF.test(value) || /^\d{1,7}(?:ms|s)?$/.test(value);
    case 'rate':
      return OFF.test(value) || rateOf(value) !== undefined;
    case 'text':
      return OFF.test(value) || /^\d+\.\d+(?:,\d+\.\d+)*$/.test(value);
  }
}

function rateOf(value: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(%?)$/.exec(value);
  if (!found) return undefined;
  const rate = Number(found[1]) / (found[2] === '%' ? 100 : 1);
  return rate <= 1 ? rate : undefined;
}

/** Which faults are on. */
export interface FaultSwitches {
  /**
   * Sets or clears, and resolves when it holds; actions are told to the listener.
   * @throws ImpError `mock-cucm.fault-name`, `mock-cucm.fault-value`
   */
  set(name: string, value: string): Promise<void>;
  clear(): Promise<void>;
  isOn(name: FaultName): boolean;
  /** Whether this request is to meet the fault; a counted one is used up by it. */
  take(name: FaultName): boolean;
  /** Milliseconds. */
  readonly latencyMs: number;
  readonly versions: readonly string[] | undefined;
  /** What is set, by name. */
  list(): Readonly<Record<string, string>>;
}

/** @param onChange hears of actions, and of switches that the listener must obey. */
export function createFaultSwitches(
  onChange: (name: FaultName, value: string, isOn: boolean) => void | Promise<void>,
): FaultSwitches {
  const values = new Map<FaultName, string>();
  // Spread evenly rather than drawn: a run with faults can be repeated.
  let errorDebt = 0;
  const set = async (name: string, value: string): Promise<void> => {
    const setting = checkFault(name, value);
    const kind = FAULTS.find((each) => each.name === setting.name)?.kind;
    const isOn = kind === 'action' || !OFF.test(setting.value);
    if (kind !== 'action') {
      if (isOn) values.set(setting.name, setting.value);
      else values.delete(setting.name);
    }
    await onChange(setting.name, setting.value, isOn);
  };
  return {
    set,
    async clear() {
      for (const name of [...values.keys()]) await set(name, 'off');
    },
    isOn: (name) => values.has(name),
    take(name) {
      const value = values.get(name);
      if (value === undefined) return false;
      if (name === 'error-rate') {
        errorDebt += rateOf(value) ?? 0;
        if (errorDebt < 1) return false;
        errorDebt -= 1;
        return true;
      }
      if (/^\d+$/.test(value)) {
        if (Number(value) <= 1) values.delete(name);
        else values.set(name, String(Number(value) - 1));
      }
      return true;
    },
    get latencyMs() {
      const found = /^(\d+)(ms|s)?$/.exec(values.get('latency') ?? '');
      return found ? Number(found[1]) * (found[2] === 's' ? 1000 : 1) : 0;
    },
    get versions() {
      return values.get('versions')?.split(',');
    },
    list: () => Object.fromEntries(values),
  };
}
