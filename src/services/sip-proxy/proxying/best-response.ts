import type { SipResponse } from '../../../sip/message/message.ts';

/** How a branch ended: what came back, or what stands for nothing having come. */
export type BranchEnd =
  | { readonly response: SipResponse }
  /** 408 no answer in time, 480 the way to a user is gone, 487 cancelled, 504 the next hop cannot be reached. */
  | { readonly failure: 408 | 480 | 487 | 504 };

export function statusOf(end: BranchEnd): number {
  return 'response' in end ? end.response.status : end.failure;
}

/** Responses that let the client try once more are worth more than others of their class (RFC 3261 16.7 step 6). */
const PREFERRED: ReadonlySet<number> = new Set([401, 407, 415, 420, 484]);

/** The end that the client is told of: a 6xx, else one of the lowest class; what really came before what stands for it. */
export function bestOf(ends: readonly BranchEnd[]): BranchEnd | undefined {
  const rank = (end: BranchEnd): number => {
    const status = statusOf(end);
    if (status >= 600) return 0;
    const inClass = PREFERRED.has(status) ? 0 : 'response' in end ? 1 : 2;
    return Math.floor(status / 100) * 10 + inClass;
  };
  let best: BranchEnd | undefined;
  for (const end of ends) if (best === undefined || rank(end) < rank(best)) best = end;
  return best;
}
