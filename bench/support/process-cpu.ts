import { readFileSync } from 'node:fs';

/** Clock ticks a second of `/proc`, the same on every Linux that Node runs on. */
const TICKS = 100;

/** Seconds of processor time that a process and its children have used; undefined where there is no `/proc`. */
export function processCpu(pid: number): number | undefined {
  try {
    // The name, in brackets, may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const own = (Number(fields[11]) + Number(fields[12])) / TICKS;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return children.reduce((sum, child) => sum + (processCpu(Number(child)) ?? 0), own);
  } catch {
    return undefined;
  }
}
