import type { Clock } from '../../../platform/clock.ts';
import type { ClientCall } from '../../../sip/call.ts';
import { SipError } from '../../../sip/errors.ts';
import type { SipRequest, SipResponse } from '../../../sip/message/message.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import type { Flow } from '../../../sip/transport/flow.ts';
import { type BranchEnd, bestOf, statusOf } from './best-response.ts';
import { requestFor, type Target } from './target.ts';

export interface ForkNeeds {
  readonly sip: SipEndpoint;
  readonly clock: Clock;
  /** Timer C: how long an INVITE may ring without a word (RFC 3261 16.6 step 11), more than 3 minutes. */
  readonly ringMs: number;
  /** The end of a branch whose target was a registered contact: its flow may be gone. */
  readonly onEnd: (target: Target, end: BranchEnd) => void;
  readonly onFailure: (error: unknown) => void;
}

export interface ForkOptions {
  readonly branchSuffix: string;
  readonly prepare: (request: SipRequest, flow: Flow, target: Target) => SipRequest;
  /** The targets are a user's contacts: when none can be reached the user is not there, rather than the network broken. */
  readonly isUser: boolean;
  /** What is left of Max-Breadth (RFC 5393): the most branches at once. */
  readonly breadth: number;
}

interface Branch {
  readonly target: Target;
  readonly call: ClientCall;
  ringing: Disposable | undefined;
}

/**
 * Forwards a request to groups of targets, one group after the other, a group's all at once, and hands back what comes
 * of it (RFC 3261 16.6 and 16.7): every 2xx to an INVITE, one response otherwise.
 */
export function fork(
  transaction: ServerTransaction,
  base: SipRequest,
  groups: readonly (readonly Target[])[],
  needs: ForkNeeds,
  options: ForkOptions,
): void {
  const isInvite = base.method === 'INVITE';
  const waiting = groups.flatMap((group) => chunks(group, options.breadth));
  const pending = new Set<Branch>();
  const ends: BranchEnd[] = [];
  let isCancelled = false;
  /** No further target is tried: answered, refused everywhere (6xx), or cancelled. */
  let isDecided = false;

  const upstream = (response: SipResponse): SipResponse => ({
    ...response,
    headers: response.headers.clone().deleteFirst('via'),
  });

  const cancelOthers = (except?: Branch): void => {
    isDecided = true;
    for (const branch of pending) if (branch !== except) branch.call.cancel();
  };

  const ring = (branch: Branch): void => {
    branch.ringing?.[Symbol.dispose]();
    if (isInvite) branch.ringing = needs.clock.schedule(needs.ringMs, () => branch.call.cancel());
  };

  const onResponse = (branch: Branch | undefined, response: SipResponse): void => {
    const { status } = response;
    if (status === 100 || !isInvite) return;
    if (status < 200) {
      if (branch) ring(branch);
      transaction.respond(upstream(response));
    } else if (status < 300) {
      // Each of them makes a dialog, also when another branch was faster.
      transaction.respond(upstream(response));
      cancelOthers(branch);
    }
  };

  const settle = (branch: Branch, end: BranchEnd): void => {
    branch.ringing?.[Symbol.dispose]();
    pending.delete(branch);
    needs.onEnd(branch.target, end);
    const status = statusOf(end);
    if (status < 300) {
      if (!isInvite && 'response' in end && !isDecided) transaction.respond(upstream(end.response));
      cancelOthers();
    } else {
      ends.push(end);
      if (status >= 600) cancelOthers();
    }
    if (pending.size > 0) return;
    if (!isDecided && waiting.length > 0) next();
    else if (!transaction.isAnswered) answer();
  };

  const answer = (): void => {
    const best = bestOf(ends);
    if (best === undefined || 'failure' in best) {
      transaction.reply(isCancelled ? 487 : (best?.failure ?? 480));
      return;
    }
    // RFC 3261 16.7 step 6: a server behind us that is overloaded does not mean that we are.
    if (best.response.status === 503) transaction.reply(500, { reason: 'Next Hop Unavailable' });
    else transaction.respond(withChallenges(upstream(best.response), ends));
  };

  const start = (target: Target, breadth: number): void => {
    let branch: Branch | undefined;
    const request = requestFor(base, target);
    request.headers.set('Max-Breadth', String(breadth));
    const call = needs.sip.request(request, target.to, {
      branchSuffix: options.branchSuffix,
      prepare: (each, flow) => options.prepare(each, flow, target),
      onResponse: (response) => onResponse(branch, response),
    });
    const made: Branch = { target, call, ringing: undefined };
    branch = made;
    pending.add(made);
    ring(made);
    call.final
      .then(
        (response): BranchEnd => ({ response }),
        (error: unknown): BranchEnd => {
          if (!(error instanceof SipError)) needs.onFailure(error);
          return { failure: failureOf(error, isCancelled, options.isUser) };
        },
      )
      .then((end) => settle(made, end))
      .catch(needs.onFailure);
  };

  const next = (): void => {
    const group = waiting.shift() ?? [];
    const breadth = Math.max(1, Math.floor(options.breadth / Math.max(1, group.length)));
    for (const target of group) start(target, breadth);
  };

  transaction.onCancel(() => {
    isCancelled = true;
    cancelOthers();
    if (pending.size === 0 && !transaction.isAnswered) transaction.reply(487);
  });
  if (waiting.length === 0) answer();
  else next();
}

function chunks(group: readonly Target[], most: number): readonly (readonly Target[])[] {
  const found: (readonly Target[])[] = [];
  for (let from = 0; from < group.length; from += most) found.push(group.slice(from, from + most));
  return found;
}

function failureOf(error: unknown, isCancelled: boolean, isUser: boolean): 408 | 480 | 487 | 504 {
  if (isCancelled) return 487;
  if (error instanceof SipError && error.code === 'sip.timeout') return 408;
  return isUser ? 480 : 504;
}

/** RFC 3261 16.7 step 7: a client that is to prove itself is told of every realm that asked. */
function withChallenges(response: SipResponse, ends: readonly BranchEnd[]): SipResponse {
  if (response.status !== 401 && response.status !== 407) return response;
  const { headers } = response;
  headers.delete('WWW-Authenticate').delete('Proxy-Authenticate');
  for (const end of ends) {
    if (!('response' in end) || (end.response.status !== 401 && end.response.status !== 407)) continue;
    for (const name of ['WWW-Authenticate', 'Proxy-Authenticate']) {
      for (const value of end.response.headers.texts(name)) headers.add(name, value);
    }
  }
  return response;
}
