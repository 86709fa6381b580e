import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { LocatorResolver } from './location/locate.ts';
import type { SipTiming } from './transaction/timing.ts';
import type { FurtherListener } from './transport/further.ts';
import type { ConnectionLimits, SipTlsOptions } from './transport/options.ts';

export interface SipEndpointNeeds {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: a `Resolver` of `node:dns/promises`. */
  readonly resolver?: LocatorResolver;
  /** Addresses of names that DNS does not know; default: the machine's own look-up. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
}

export interface SipEndpointOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Of UDP and TCP, which share it; 0: a free one; null: neither. */
  readonly port: number | null;
  /** Of TLS; 0: a free one; null: none. */
  readonly tlsPort: number | null;
  /** Listeners that our Via does not name. */
  readonly further?: readonly FurtherListener[];
  /** Needed for `tlsPort`, and to send over TLS. */
  readonly tls?: SipTlsOptions;
  /** What stands in our Via; default: `host`, or an address of the machine when that is a wildcard. */
  readonly advertisedHost?: string;
  readonly connections?: Partial<ConnectionLimits>;
  /** Default 200,000. */
  readonly maxServerTransactions?: number;
  /** Addresses that the cap of connections per address leaves out; default none. */
  readonly isExempt?: (address: string) => boolean;
  readonly timing?: SipTiming;
  /** Opening does without a listener that cannot be bound; `openMissing` tells which, and tries again. */
  readonly mayLackListeners?: boolean;
}
