import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { uptime } from 'node:os';
import type { Clock } from '../platform/clock.ts';

/** How long a host may take to answer before it counts as gone. */
const ANSWER_MS = 2_000;

/** Names the life of this host between two starts of its operating system. */
export async function hostId(clock: Clock): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    // Not Linux: the minute of its start says the same.
    return `started-${Math.round((clock.now() - uptime() * 1_000) / 60_000)}`;
  }
}

/** Whether a host is there: it takes the connection, or refuses it. */
export function hostAnswers(host: string, port: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answers: boolean): void => {
      timer[Symbol.dispose]();
      socket.destroy();
      resolve(answers);
    };
    const timer = clock.schedule(ANSWER_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}
