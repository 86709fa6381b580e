import { z } from 'zod';
import type { Clock } from '../platform/clock.ts';
import { createNetworks, plainAddress } from '../platform/networks.ts';

/** The section `signIn` of the node file: it belongs to no service, as all share what is counted. */
export const loginThrottleOptions = z.strictObject({
  wrongPasswordsPerUser: z
    .number()
    .int()
    .min(1)
    .default(20)
    .describe('Wrong passwords of one user within the lock-out time after which none is checked.'),
  wrongPasswordsPerAddress: z
    .number()
    .int()
    .min(1)
    .default(100)
    .describe('Wrong passwords from one address within the lock-out time after which none is checked.'),
  lockoutSeconds: z
    .number()
    .int()
    .min(1)
    .default(60)
    .describe('Seconds that wrong passwords are counted and locked out.'),
  exemptNetworks: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Addresses and networks without a limit per address, as 10.0.0.0/8; limits per user always hold.'),
});

export type LoginThrottleOptions = z.infer<typeof loginThrottleOptions>;

/** One attempt under way. While it is, it holds one of the places that are left; exactly one of the two ends it. */
export interface LoginAttempt {
  /** The password was right, or could not be checked: it does not count. */
  forgive(): void;
  /** The password was wrong. */
  count(): void;
}

/**
 * Slows guessing: after too many wrong passwords of a user or from an address nothing is checked for a while. One serves
 * every face of a node, so that a guesser has one set of attempts (docs/sign-in.md).
 */
export interface LoginThrottle {
  /**
   * Undefined when the user or the address has to wait for its time to pass. With as many checks under way as wrong
   * passwords are left it resolves when one of them is done: many at once gain nothing, and many right ones lose nothing.
   */
  begin(userid: string, address: string): Promise<LoginAttempt | undefined>;
}

interface Count {
  wrong: number;
  until: number;
  running: number;
  /** Those who wait for one that runs to be done. */
  readonly waiting: (() => void)[];
}

/** Users and addresses kept at once; the oldest go first. */
const MAX_KEYS = 100_000;

export function createLoginThrottle(clock: Clock, options: LoginThrottleOptions): LoginThrottle {
  const counts = new Map<string, Count>();
  const exempt = createNetworks(options.exemptNetworks);
  const windowMs = options.lockoutSeconds * 1_000;

  const countOf = (key: string): Count => {
    const now = clock.monotonic();
    const known = counts.get(key);
    if (known && (known.until > now || known.running > 0)) {
      if (known.until <= now) {
        known.wrong = 0;
        known.until = now + windowMs;
      }
      return known;
    }
    if (known) counts.delete(key);
    else if (counts.size >= MAX_KEYS) counts.delete(counts.keys().next().value as string);
    const fresh: Count = { wrong: 0, until: now + windowMs, running: 0, waiting: [] };
    counts.set(key, fresh);
    return fresh;
  };

  const limitsOf = (userid: string, address: string): { readonly count: Count; readonly limit: number }[] => {
    const limited = [{ count: countOf(`user ${userid.toLowerCase()}`), limit: options.wrongPasswordsPerUser }];
    if (!exempt.has(address)) {
      limited.push({ count: countOf(`address ${plainAddress(address)}`), limit: options.wrongPasswordsPerAddress });
    }
    return limited;
  };

  return {
    async begin(userid, address) {
      for (;;) {
        // Looked up anew after each wait: the time may have passed meanwhile.
        const limited = limitsOf(userid, address);
        if (limited.some(({ count, limit }) => count.wrong >= limit)) return undefined;
        const full = limited.find(({ count, limit }) => count.wrong + count.running >= limit);
        if (!full) return start(limited);
        await new Promise<void>((resolve) => full.count.waiting.push(resolve));
      }
    },
  };

  function start(limited: readonly { readonly count: Count; readonly limit: number }[]): LoginAttempt {
    for (const { count } of limited) count.running += 1;
    const done = (isWrong: boolean): void => {
      for (const { count, limit } of limited) {
        count.running -= 1;
        if (isWrong) {
          count.wrong += 1;
          // The pause lasts its whole time from the attempt that filled the measure.
          if (count.wrong >= limit) count.until = clock.monotonic() + windowMs;
        }
        for (const wake of count.waiting.splice(0)) wake();
      }
    };
    return { forgive: () => done(false), count: () => done(true) };
  }
}
