import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';

export type NonceVerdict = 'good' | 'stale' | 'replayed' | 'foreign';

export interface NoncesOptions {
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
  /** Key of the seal; nodes that share it take each other's nonces. At least 32 bytes. */
  readonly secret: Buffer;
  readonly lifetimeMs: number;
  /** Most nonces in use whose counts are remembered. */
  readonly maxTracked: number;
}

export interface Nonces {
  issue(): string;
  /** Judges a nonce and its count, and remembers the count. Call it only for a response that was found right. */
  use(nonce: string, count: number): NonceVerdict;
  /** Judges the nonce alone. */
  judge(nonce: string): 'good' | 'stale' | 'foreign';
}

const TIME_BYTES = 6;
const RANDOM_BYTES = 6;
const SEAL_BYTES = 16;
const BODY_BYTES = TIME_BYTES + RANDOM_BYTES;
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

  const seal = (body: Buffer): Buffer =>
    createHmac('sha256', options.secret).update(body).digest().subarray(0, SEAL_BYTES);

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

  const judge = (nonce: string): { verdict: 'good' | 'stale' | 'foreign'; at: number } => {
    const at = issuedAt(nonce);
    if (at === undefined) return { verdict: 'foreign', at: 0 };
    return { verdict: isExpired(at) || (at <= floor && !uses.has(nonce)) ? 'stale' : 'good', at };
  };

  return {
    issue() {
      const body = Buffer.allocUnsafe(BODY_BYTES);
      body.writeUIntBE(options.clock.now(), 0, TIME_BYTES);
      options.randomBytes(RANDOM_BYTES).copy(body, TIME_BYTES);
      return Buffer.concat([body, seal(body)]).toString('base64url');
    },
    judge: (nonce) => judge(nonce).verdict,
    use(nonce, count) {
      const { verdict, at } = judge(nonce);
      if (verdict !== 'good') return verdict;
      const use = uses.get(nonce);
      if (use === undefined) {
        makeRoom();
        uses.set(nonce, { issuedAt: at, highest: count, seen: 1 });
        return 'good';
      }
      const ahead = count - use.highest;
      if (ahead > 0) {
        use.seen = ahead >= WINDOW ? 1 : (use.seen << ahead) | 1;
        use.highest = count;
        return 'good';
      }
      const bit = -ahead;
      if (bit >= WINDOW || (use.seen & (1 << bit)) !== 0) return 'replayed';
      use.seen |= 1 << bit;
      return 'good';
    },
  };
}
