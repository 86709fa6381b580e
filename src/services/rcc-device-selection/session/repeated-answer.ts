import type { Clock } from '../../../platform/clock.ts';
import { DEFAULT_TIMING } from '../../../sip/transaction/timing.ts';

/**
 * Sends a 2xx of an INVITE, and sends it again until its ACK has come (RFC 3261 13.3.1.4), over any transport.
 * @param onSilence no ACK came within 64 T1
 */
export function repeatUntilAck(clock: Clock, send: () => void, onSilence: () => void): Disposable {
  const { t1, t2 } = DEFAULT_TIMING;
  let waited = 0;
  let pause = t1;
  let timer: Disposable | undefined;
  const again = (): void => {
    send();
    const wait = Math.min(pause, 64 * t1 - waited);
    timer = clock.schedule(wait, () => {
      waited += wait;
      pause = Math.min(2 * pause, t2);
      if (waited >= 64 * t1) onSilence();
      else again();
    });
  };
  again();
  return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
}
