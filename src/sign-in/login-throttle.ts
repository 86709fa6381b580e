import { BlockList, isIP } from 'node:net';
import type { Clock } from '../platform/clock.ts';

export interface LoginThrottleOptions {
  readonly wrongPerUser: number;
  readonly wrongPerAddress: number;
  readonly windowMs: number;
  /** Addresses and networks (`127.0.0.0/8`) whose attempts do not count for an address; they do for a user. */
  readonly exemptNetworks: readonly string[];
}

/** One attempt under way. It counts as wrong until it turns out otherwise, so that many at once gain nothing. */
export interface LoginAttempt {
  /** The password was right, or could not be checked: it does not count. */
  forgive(): void;
}

/** Slows guessing: after too many wrong passwords of a user or from an address nothing is checked for a while. */
export interface LoginThrottle {
  /** Undefined when the user or the address has to wait. */
  begin(userid: string, address: string): LoginAttempt | undefined;
}

interface Count {
  wrong: number;
  until: number;
}

/** Users and addresses kept at once; the oldest go first. */
const MAX_KEYS = 100_000;

export function createLoginThrottle(clock: Clock, options: LoginThrottleOptions): LoginThrottle {
  const counts = new Map<string, Count>();
  const exempt = toBlockList(options.exemptNetworks);

  const countOf = (key: string): Count => {
    const now = clock.monotonic();
    const known = counts.get(key);
    if (known && known.until > now) return known;
    if (known) counts.delete(key);
    else if (counts.size >= MAX_KEYS) counts.delete(counts.keys().next().value as string);
    const fresh = { wrong: 0, until: now + options.windowMs };
    counts.set(key, fresh);
    return fresh;
  };

  return {
    begin(userid, address) {
      const limited = [{ count: countOf(`user ${userid.toLowerCase()}`), limit: options.wrongPerUser }];
      if (!isExempt(exempt, address)) {
        limited.push({ count: countOf(`address ${address}`), limit: options.wrongPerAddress });
      }
      if (limited.some(({ count, limit }) => count.wrong >= limit)) return undefined;
      for (const { count, limit } of limited) {
        count.wrong += 1;
        // The pause lasts its whole time from the attempt that filled the measure.
        if (count.wrong >= limit) count.until = clock.monotonic() + options.windowMs;
      }
      return {
        forgive() {
          for (const { count } of limited) count.wrong -= 1;
        },
      };
    },
  };
}

function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function isExempt(list: BlockList, address: string): boolean {
  // An IPv4 client on a dual-stack socket shows as ::ffff:a.b.c.d.
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}
