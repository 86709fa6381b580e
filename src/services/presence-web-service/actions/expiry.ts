import { PwsFault } from '../errors.ts';
import { EXPIRY_SECONDS } from '../names.ts';

/** @returns milliseconds. @throws PwsFault 131 */
export function expiryMs(seconds: number | undefined): number {
  if (seconds === undefined || !(seconds >= EXPIRY_SECONDS.min && seconds <= EXPIRY_SECONDS.max)) {
    throw new PwsFault('badExpiry');
  }
  return seconds * 1_000;
}
