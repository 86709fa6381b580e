import type { Clock } from '../../platform/clock.ts';
import { createResponse, type ResponseOptions } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { writeMessage } from '../message/write.ts';
import type { SipStatistics } from '../statistics.ts';
import type { Flow } from '../transport/flow.ts';
import { createRunner, type Runner } from './runner.ts';
import { type Effect, INVITE_SERVER, OTHER_SERVER, type ServerEvent } from './tables.ts';
import type { SipTiming } from './timing.ts';

/** A request that waits for its answer, or has one and absorbs what is sent again. */
export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** A final response has been given. */
  readonly isAnswered: boolean;
  /**
   * Sends a response. What may not be sent any more, or never (RFC 4320: a 408, or anything provisional, to another
   * request than INVITE), is left out silently. After a 2xx to an INVITE only further 2xx go out.
   */
  respond(response: SipResponse): void;
  /** Makes the response first: `createResponse` with the tag of this transaction. */
  reply(status: number, options?: ResponseOptions): void;
  /** The tag that `reply` gives to To. */
  readonly toTag: string;
  /** Called once when the INVITE is cancelled before it is answered; the listener is to answer it, with 487 as a rule. */
  onCancel(listener: () => void): void;
  /** Called once when no ACK came for a refused INVITE, or the response could not be sent. */
  onFailure(listener: (why: 'time-out' | 'transport-error') => void): void;
}

export interface ServerTransactionNeeds {
  readonly clock: Clock;
  readonly timing: SipTiming;
  readonly statistics: SipStatistics;
  /** Sends by RFC 3261 18.2.2; `onError` when it cannot. */
  readonly transmit: (bytes: Buffer, onError: () => void) => void;
  readonly onEnd: () => void;
  readonly newTag: () => string;
  /** An ACK that belongs to a 2xx. */
  readonly onAck: (ack: SipRequest, flow: Flow) => void;
}

export interface OwnedServerTransaction extends ServerTransaction {
  receive(request: SipRequest, flow: Flow): void;
  cancel(): void;
  stop(): void;
}

export function createServerTransaction(
  request: SipRequest,
  flow: Flow,
  needs: ServerTransactionNeeds,
): OwnedServerTransaction {
  const isInvite = request.method === 'INVITE';
  let last: Buffer | undefined;
  let finalStatus = 0;
  let ack: { request: SipRequest; flow: Flow } | undefined;
  let isCancelled = false;
  let cancelled: (() => void) | undefined;
  let failed: ((why: 'time-out' | 'transport-error') => void) | undefined;
  let sent = 0;
  let tag: string | undefined;
  const toTag = (): string => {
    tag ??= needs.newTag();
    return tag;
  };

  const transmit = (bytes: Buffer): void => {
    needs.statistics.responsesOut += 1;
    needs.transmit(bytes, () => runner.handle('transport-error'));
  };

  const perform = (effect: Effect): void => {
    if (effect === 'send') {
      if (last === undefined) return;
      if (sent > 0) needs.statistics.retransmissionsOut += 1;
      sent += 1;
      transmit(last);
    } else if (effect === 'send-trying') {
      // Timer `trying` may find that somebody has answered provisionally by now.
      if (last !== undefined) return;
      last = writeMessage(createResponse(request, 100));
      transmit(last);
    } else if (effect === 'deliver') {
      if (ack !== undefined) needs.onAck(ack.request, ack.flow);
    } else if (effect === 'time-out' || effect === 'transport-error') {
      if (effect === 'time-out') needs.statistics.timeouts += 1;
      else needs.statistics.transportErrors += 1;
      const listener = failed;
      failed = undefined;
      listener?.(effect);
    }
  };

  const runner: Runner<string, ServerEvent> = createRunner<string, ServerEvent>(
    isInvite ? INVITE_SERVER : OTHER_SERVER,
    {
      clock: needs.clock,
      timing: needs.timing,
      isReliable: flow.isReliable,
      perform,
      onEnd: needs.onEnd,
    },
  );

  const respond = (response: SipResponse): void => {
    const { status } = response;
    if (status < 200 ? !isInvite || finalStatus > 0 : isForbidden(isInvite, status, finalStatus)) return;
    if (status >= 200) finalStatus = status;
    last = writeMessage(response);
    sent = 0;
    runner.handle(status < 200 ? 'tu-1xx' : status < 300 ? 'tu-2xx' : 'tu-300-699');
  };

  return {
    request,
    flow,
    respond,
    reply: (status, options) => respond(createResponse(request, status, { toTag: toTag(), ...options })),
    get toTag() {
      return toTag();
    },
    get isAnswered() {
      return finalStatus > 0;
    },
    onCancel(listener) {
      if (isCancelled && finalStatus === 0) listener();
      else cancelled = listener;
    },
    onFailure(listener) {
      failed = listener;
    },
    receive(again, from) {
      if (again.method === 'ACK') {
        ack = { request: again, flow: from };
        runner.handle('ack');
        return;
      }
      needs.statistics.retransmissionsIn += 1;
      runner.handle('request');
    },
    cancel() {
      if (isCancelled || finalStatus > 0 || !isInvite) return;
      isCancelled = true;
      cancelled?.();
    },
    stop: () => runner.stop(),
  };
}

function isForbidden(isInvite: boolean, status: number, finalStatus: number): boolean {
  if (finalStatus > 0) return !(isInvite && finalStatus < 300 && status < 300);
  return !isInvite && status === 408;
}
