import type { Clock } from '../platform/clock.ts';
import { SipError } from './errors.ts';
import { createCancel } from './message/build.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import type { ClientTransaction } from './transaction/client-transaction.ts';
import type { Transactions } from './transaction/transactions.ts';
import type { Flow, Hop } from './transport/flow.ts';

/** A request that was sent, over as many servers as it took. */
export interface ClientCall {
  /**
   * The final response; of an INVITE the first one.
   * @throws SipError `sip.unresolved`, `sip.unreachable`, `sip.timeout`, `sip.certificate`, `sip.closed` … of the last server
   */
  readonly final: Promise<SipResponse>;
  /** Cancels an INVITE that has no final response yet, as soon as the server has said anything (RFC 3261 9.1). */
  cancel(): void;
}

export interface CallOptions {
  /** Every response: provisional, final, and each further 2xx to an INVITE. Our Via is still on top. */
  readonly onResponse?: (response: SipResponse, flow: Flow) => void;
  /** What the request becomes for the way that was found, before Via is added: Record-Route names that way. */
  readonly prepare?: (request: SipRequest, flow: Flow) => SipRequest;
  /** Follows the random part of our branch, so that a proxy knows a request again (RFC 3261 16.6 step 8). */
  readonly branchSuffix?: string;
}

export interface CallNeeds {
  readonly clock: Clock;
  /** 64 × T1. */
  readonly holdMs: number;
  readonly transactions: Transactions;
  /** @throws SipError when there is no flow to be had */
  readonly flowTo: (target: Hop | Flow, request: SipRequest) => Promise<Flow>;
  /** The request with our Via, its branch new. */
  readonly withVia: (request: SipRequest, flow: Flow, branchSuffix: string | undefined) => SipRequest;
}

type Attempt = { readonly response: SipResponse } | { readonly error: SipError; readonly mayGoOn: boolean };

/** Sends a request to the first server that takes it (RFC 3263 4.3): the next one on failure, silence, or 503. */
export function createCall(
  request: SipRequest,
  targets: () => Promise<readonly (Hop | Flow)[]>,
  needs: CallNeeds,
  options: CallOptions,
): ClientCall {
  let isCancelled = false;
  let isOver = false;
  let current: { readonly transaction: ClientTransaction; hasAnswered: boolean } | undefined;

  const sendCancel = (): void => {
    if (current === undefined || !current.hasAnswered || isOver) return;
    const { transaction } = current;
    // RFC 3261 9.1: what becomes of the CANCEL itself is nobody's concern; the INVITE's own answer counts.
    needs.transactions.start(createCancel(transaction.request), transaction.flow, {
      onResponse: () => undefined,
      onFailure: () => undefined,
    });
  };

  const attempt = (flow: Flow): Promise<Attempt> =>
    new Promise((resolve) => {
      let hasAnswered = false;
      const prepared = options.prepare?.(request, flow) ?? request;
      const transaction = needs.transactions.start(needs.withVia(prepared, flow, options.branchSuffix), flow, {
        onResponse(response) {
          if (!hasAnswered) {
            hasAnswered = true;
            if (current !== undefined) current.hasAnswered = true;
            if (isCancelled && response.status < 200) sendCancel();
          }
          if (response.status >= 200) resolve({ response });
          if (response.status !== 503) options.onResponse?.(response, flow);
        },
        onFailure: (error) => resolve({ error, mayGoOn: !hasAnswered && error.code !== 'sip.closed' }),
      });
      current = { transaction, hasAnswered };
    });

  const run = async (): Promise<SipResponse> => {
    let last: SipError | undefined;
    let unavailable: { response: SipResponse; flow: Flow } | undefined;
    for (const target of await targets()) {
      if (isCancelled) break;
      let flow: Flow;
      try {
        flow = await needs.flowTo(target, request);
      } catch (error) {
        if (!(error instanceof SipError)) throw error;
        last = error;
        continue;
      }
      if (isCancelled) break;
      const outcome = await attempt(flow);
      if ('response' in outcome) {
        if (outcome.response.status !== 503) return outcome.response;
        unavailable = { response: outcome.response, flow };
      } else {
        last = outcome.error;
        if (!outcome.mayGoOn) throw last;
      }
    }
    if (unavailable !== undefined) {
      options.onResponse?.(unavailable.response, unavailable.flow);
      return unavailable.response;
    }
    throw last ?? new SipError('sip.closed', 'the request was cancelled before it was sent');
  };

  let giveUp: (error: SipError) => void = () => undefined;
  let giveUpTimer: Disposable | undefined;
  const final = new Promise<SipResponse>((resolve, reject) => {
    giveUp = reject;
    run()
      .finally(() => {
        isOver = true;
        giveUpTimer?.[Symbol.dispose]();
      })
      .then(resolve, reject);
  });
  // A caller that only listens to `onResponse` of a forked INVITE may never look at it; whoever awaits it hears of a failure.
  final.catch(() => undefined);

  return {
    final,
    cancel() {
      if (isCancelled || isOver || request.method !== 'INVITE') return;
      isCancelled = true;
      sendCancel();
      // RFC 3261 9.1: a server that never answers its cancelled INVITE is not waited for.
      giveUpTimer = needs.clock.schedule(needs.holdMs, () => {
        giveUp(new SipError('sip.timeout', 'the cancelled INVITE was never answered'));
      });
    },
  };
}
