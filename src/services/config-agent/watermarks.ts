import { availableParallelism, totalmem } from 'node:os';
import type { Alarms } from '../../platform/alarms.ts';

export interface NodeLoad {
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

export interface Marks {
  readonly cpuHighPercent: number;
  readonly cpuLowPercent: number;
  readonly memoryHighPercent: number;
  readonly memoryLowPercent: number;
}

/** Looks above the mark before anybody is told: a busy minute is no overload. */
const LOOKS = 6;
export const LOOK_MS = 10_000;

const NAMES = { cpu: 'EspConfigAgentHighCPUUtilization', memory: 'EspConfigAgentHighMemoryUtilization' } as const;
const WHAT = { cpu: "the machine's processors", memory: "the machine's memory" } as const;

/** Raises the product's alarms above the high marks, and clears them below the low ones. Answers the task of one look. */
export function createWatermarks(service: string, readLoad: () => NodeLoad, alarms: Alarms, marks: Marks): () => void {
  const above = { cpu: 0, memory: 0 };
  const judge = (name: keyof typeof NAMES, percent: number, high: number, low: number): void => {
    above[name] = percent > high ? above[name] + 1 : 0;
    if (above[name] === LOOKS) {
      const message = `the node uses ${Math.round(percent)} percent of ${WHAT[name]}, more than ${high}`;
      alarms.raise(service, NAMES[name], 4, message);
    } else if (percent < low) alarms.clear(service, NAMES[name]);
  };
  return () => {
    const { cpuPercent, memoryPercent } = readLoad();
    judge('cpu', cpuPercent, marks.cpuHighPercent, marks.cpuLowPercent);
    judge('memory', memoryPercent, marks.memoryHighPercent, marks.memoryLowPercent);
  };
}

/**
 * What this node takes of its machine (of its container, where that is bounded): others' load is for others to tell.
 * @param monotonic milliseconds of a clock that never jumps
 */
export function measureNodeLoad(monotonic: () => number): () => NodeLoad {
  let lastAt = monotonic();
  let last = process.cpuUsage();
  return () => {
    const at = monotonic();
    const used = process.cpuUsage(last);
    const spent = Math.max(1, at - lastAt) * availableParallelism();
    last = process.cpuUsage();
    lastAt = at;
    const bound = process.constrainedMemory();
    const memory = bound > 0 && bound < totalmem() ? bound : totalmem();
    return {
      cpuPercent: ((used.user + used.system) / 1_000 / spent) * 100,
      memoryPercent: (process.memoryUsage.rss() / memory) * 100,
    };
  };
}
