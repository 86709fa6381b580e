import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { ownText } from '../own-text.ts';
import { createSeal } from '../seal.ts';

export type NonceVerdict = 'good' | 'stale' | 'replayed';

export interface NoncesOptions {
  readonly clock: Clock;
  /** Key of the seal; nodes that share it take each other's nonces. At least 32 bytes. */
  readonly secret: Buffer;
  readonly lifetimeMs: number;
  /** Most nonces in use whose counts are remembered. */
  readonly maxTracked: number;
}

export interface Nonces {
  issue(): string;
  /** When a nonce of ours was issued; undefined when its seal is not ours. */
  issuedAt(nonce: string): number | undefined;
  /** Judges nonce and count, and remembers the count. Call it only for a response that was found right. */
  use(nonce: string, issuedAt: number, count: number): NonceVerdict;
}

const TIME_BYTES = 6;
const COUNT_BYTES = 6;
const SEAL_BYTES = 16;
const BODY_BYTES = TIME_BYTES + COUNT_BYTES;
const FORM = /^[A-Za-z0-9_-]{38}$/;
/** How far behind the highest count a late request may be, UDP having mixed them up. */
const WINDOW = 32;

interface Use {
  readonly issuedAt: number;
  highest: number;
  /** Bit n: the count `highest - n` has been seen. */
  seen: number;
}

/**
 * Nonces that carry their own time and seal, so that a challenge costs no memory. Counts are remembered from the first
 * use on; when there are too many, the oldest is forgotten and with it every nonce issued before it becomes stale, so
 * that forgetting never lets a replay through.
 */
export function createNonces(options: NoncesOptions): Nonces {
  const uses = new Map<string, Use>();
  let floor = Number.NEGATIVE_INFINITY;

  const seal = createSeal(options.secret, SEAL_BYTES);
  let count = 0;

  const issuedAt = (nonce: string): number | undefined => {
    if (!FORM.test(nonce)) return undefined;
    const bytes = Buffer.from(nonce, 'base64url');
    const body = bytes.subarray(0, BODY_BYTES);
    return timingSafeEqual(seal(body), bytes.subarray(BODY_BYTES)) ? body.readUIntBE(0, TIME_BYTES) : undefined;
  };

  const isExpired = (at: number): boolean => {
    const age = options.clock.now() - at;
    // The machine's clock may have been set back: a nonce of the future is as good as an old one.
    return age > options.lifetimeMs || age < -options.lifetimeMs;
  };

  const makeRoom = (): void => {
    for (const [nonce, use] of uses) {
      if (isExpired(use.issuedAt)) uses.delete(nonce);
      else if (uses.size >= options.maxTracked) {
        uses.delete(nonce);
        floor = Math.max(floor, use.issuedAt);
      } else return;
    }
  };

  return {
    issue() {
      const body = Buffer.allocUnsafe(BODY_BYTES);
      body.writeUIntBE(options.clock.now(), 0, TIME_BYTES);
      // Nobody can guess a nonce, because nobody can make its seal; the count only keeps those of one instant apart.
      count += 1;
      body.writeUIntBE(count, TIME_BYTES, COUNT_BYTES);
      return Buffer.concat([body, seal(body)]).toString('base64url');
    },
    issuedAt,
    use(nonce, at, given) {
      const use = uses.get(nonce);
      if (isExpired(at) || (use === undefined && at <= floor)) return 'stale';
      if (use === undefined) {
        makeRoom();
        uses.set(ownText(nonce), { issuedAt: at, highest: given, seen: 1 });
        return 'good';
      }
      const ahead = given - use.highest;
      if (ahead > 0) {
        use.seen = ahead >= WINDOW ? 1 : (use.seen << ahead) | 1;
        use.highest = given;
        return 'good';
      }
      const bit = -ahead;
      if (bit >= WINDOW || (use.seen & (1 << bit)) !== 0) return 'replayed';
      use.seen |= 1 << bit;
      return 'good';
    },
  };
}
