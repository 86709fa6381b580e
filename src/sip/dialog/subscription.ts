import { malformed } from '../errors.ts';
import type { SipMessage } from '../message/message.ts';
import { writeParams } from '../values/scan.ts';

/** RFC 6665 4.1.3. */
export type SubscriptionReason =
  | 'deactivated'
  | 'probation'
  | 'rejected'
  | 'timeout'
  | 'giveup'
  | 'noresource'
  | 'invariant';

export type SubscriptionState =
  | { readonly state: 'active' | 'pending'; readonly expiresSeconds?: number }
  | { readonly state: 'terminated'; readonly reason?: SubscriptionReason; readonly retryAfterSeconds?: number };

const REASONS: ReadonlySet<string> = new Set<SubscriptionReason>([
  'deactivated',
  'probation',
  'rejected',
  'timeout',
  'giveup',
  'noresource',
  'invariant',
]);

/** The value of Subscription-State. */
export function writeSubscriptionState(it: SubscriptionState): string {
  const params = new Map<string, string>();
  if (it.state === 'terminated') {
    if (it.reason !== undefined) params.set('reason', it.reason);
    if (it.retryAfterSeconds !== undefined) params.set('retry-after', String(it.retryAfterSeconds));
  } else if (it.expiresSeconds !== undefined) params.set('expires', String(it.expiresSeconds));
  return it.state + writeParams(params);
}

/**
 * What a NOTIFY says of its subscription; a reason that is not known counts as none, a state that is not known as
 * active (RFC 6665 4.1.3).
 * @throws SipError `sip.malformed` when it says nothing
 */
export function subscriptionStateOf(notify: SipMessage): SubscriptionState {
  const header = notify.headers.get('subscription-state');
  if (header === undefined) throw malformed('Subscription-State header', 'a NOTIFY needs it');
  const seconds = (name: string): number | undefined => {
    const text = header.params.get(name);
    return text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
  };
  if (header.value === 'terminated') {
    const reason = header.params.get('reason')?.toLowerCase();
    const retryAfterSeconds = seconds('retry-after');
    return {
      state: 'terminated',
      ...(reason !== undefined && REASONS.has(reason) ? { reason: reason as SubscriptionReason } : {}),
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    };
  }
  const expiresSeconds = seconds('expires');
  return {
    state: header.value === 'pending' ? 'pending' : 'active',
    ...(expiresSeconds === undefined ? {} : { expiresSeconds }),
  };
}

export interface ExpiryBounds {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly defaultSeconds: number;
}

/**
 * How long a SUBSCRIBE, PUBLISH or REGISTER gets what it asks for (RFC 3261 10.3 step 7, RFC 6665 4.2.1.1): 0 ends it,
 * more than the most is cut, less than the least is refused.
 * @returns the seconds granted, or `too-brief`: answer 423 with Min-Expires
 */
export function grantExpiry(askedSeconds: number | undefined, bounds: ExpiryBounds): number | 'too-brief' {
  if (askedSeconds === undefined) return Math.min(bounds.defaultSeconds, bounds.maxSeconds);
  if (askedSeconds === 0) return 0;
  // RFC 3261 10.3: only intervals of less than an hour may be refused.
  if (askedSeconds < bounds.minSeconds && askedSeconds < 3600) return 'too-brief';
  return Math.min(askedSeconds, bounds.maxSeconds);
}
