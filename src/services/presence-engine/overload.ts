import { getHeapStatistics } from 'node:v8';
import type { Alarms } from '../../platform/alarms.ts';
import type { EngineParameters } from '../../rpc/presence-engine/parameters.ts';
import { ENGINE_SERVICE } from './names.ts';

export interface Load {
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

/** How busy the engine is since the last call. */
export type ReadLoad = () => Load;

export interface OverloadGuard {
  /** Above a high watermark and not yet below the low one: new subscriptions are refused. */
  readonly isOverloaded: boolean;
  readonly load: Load;
  /** To be called once a second or so. */
  tick(): void;
}

const ALARM = { cpu: 'PELoadHighWaterMark', memory: 'PEMemoryHigh' } as const;
/** Measurements above the mark before anybody is refused: a few busy seconds are no overload. */
const TICKS = 10;

/** Watermarks for CPU and memory, each with its alarm; the marks may change while it runs. */
export function createOverloadGuard(
  readLoad: ReadLoad,
  alarms: Alarms,
  parameters: () => EngineParameters,
): OverloadGuard {
  const marks = {
    cpu: { isHigh: false, above: 0, what: 'the CPU' },
    memory: { isHigh: false, above: 0, what: 'memory' },
  };
  let load: Load = { cpuPercent: 0, memoryPercent: 0 };

  const judge = (name: keyof typeof marks, percent: number, high: number, low: number): void => {
    const mark = marks[name];
    mark.above = percent > high ? mark.above + 1 : 0;
    if (!mark.isHigh && mark.above >= TICKS) {
      mark.isHigh = true;
      alarms.raise(
        ENGINE_SERVICE,
        ALARM[name],
        4,
        `${mark.what} is used to ${Math.round(percent)} percent, more than ${high}: new subscriptions are refused`,
      );
    } else if (mark.isHigh && percent < low) {
      mark.isHigh = false;
      alarms.clear(ENGINE_SERVICE, ALARM[name]);
    }
  };

  return {
    get isOverloaded() {
      return marks.cpu.isHigh || marks.memory.isHigh;
    },
    get load() {
      return load;
    },
    tick() {
      load = readLoad();
      const { cpuHighPercent, cpuLowPercent, memoryHighPercent, memoryLowPercent } = parameters();
      judge('cpu', load.cpuPercent, cpuHighPercent, cpuLowPercent);
      judge('memory', load.memoryPercent, memoryHighPercent, memoryLowPercent);
    },
  };
}

/** Of this process: how much of the time its one thread was busy, and how much of its heap is used. */
export function measureLoad(): ReadLoad {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return { cpuPercent: utilization * 100, memoryPercent: (used / limit) * 100 };
  };
}
