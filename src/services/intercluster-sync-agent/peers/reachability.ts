import { connect } from 'node:net';
import type { Clock } from '../../../platform/clock.ts';

export interface ProbedNode {
  readonly address: string;
  readonly port: number;
}

const PROBE_MS = 5_000;

/** Whether somebody listens: a TCP connection that is opened and closed again. Names are looked up within the same time. */
export function probe(clock: Clock, { address, port }: ProbedNode, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (isThere: boolean): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(isThere);
    };
    const onAbort = (): void => end(false);
    const timer = clock.schedule(PROBE_MS, () => end(false));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}
