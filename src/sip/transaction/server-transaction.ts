import type { Clock } from '../../platform/clock.ts';
import { createResponse, type ResponseOptions } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { writeMessage } from '../message/write.ts';
import type { SipStatistics } from '../statistics.ts';
import type { Flow } from '../transport/flow.ts';
import { serverKey } from './keys.ts';
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
  /**
   * Answers with a final response that is not remembered (RFC 3261 8.2.7): a request that comes again is a new one. For
   * challenges, which anybody can cause in any number. An INVITE is answered by `reply`, as its ACK must be known.
   */
  replyStateless(status: number, options?: ResponseOptions): void;
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
  readonly newTag: () => string;
  /** The same for the same text: for what may be answered twice. */
  readonly tagOf: (text: string) => string;
  /** An ACK that belongs to a 2xx. */
  readonly onAck: (ack: SipRequest, flow: Flow) => void;
}

/** The layer's side. After the final response it holds that response and its timers, and nothing of the request. */
export interface OwnedServerTransaction {
  receive(request: SipRequest, flow: Flow): void;
  cancel(): void;
  stop(): void;
}

/** What both sides are made of. */
interface Core extends OwnedServerTransaction {
  readonly isAnswered: boolean;
  readonly toTag: string;
  respond(response: SipResponse): void;
  respondStateless(response: SipResponse): void;
  onCancel(listener: () => void): void;
  onFailure(listener: (why: 'time-out' | 'transport-error') => void): void;
}

export function createServerTransaction(
  request: SipRequest,
  flow: Flow,
  needs: ServerTransactionNeeds,
  transmit: (bytes: Buffer, onError: () => void) => void,
  ends: Ends,
): { readonly owned: OwnedServerTransaction; readonly transaction: ServerTransaction } {
  // NOTE: two functions, so that no closure of the core shares a scope with the request: it stays for 32 s after the answer.
  const owned = createCore(request, flow.isReliable, needs, transmit, ends);
  return { owned, transaction: createHandle(request, flow, owned, needs.tagOf) };
}

/** Who hears that the transaction is over. Exactly one of the two is called, once. */
export interface Ends {
  /** Nothing of it is left. */
  readonly onEnd: () => void;
  /** It was answered, and the answer is all that is to be kept. */
  readonly onCompleted: (answer: Buffer) => void;
}

function createHandle(
  request: SipRequest,
  flow: Flow,
  core: Core,
  tagOf: ServerTransactionNeeds['tagOf'],
): ServerTransaction {
  return {
    request,
    flow,
    get isAnswered() {
      return core.isAnswered;
    },
    get toTag() {
      return core.toTag;
    },
    respond: core.respond,
    reply: (status, options) => core.respond(createResponse(request, status, { toTag: core.toTag, ...options })),
    replyStateless: (status, options) =>
      core.respondStateless(createResponse(request, status, { toTag: tagOf(serverKey(request)), ...options })),
    onCancel: core.onCancel,
    onFailure: core.onFailure,
  };
}

function createCore(
  request: SipRequest,
  isReliable: boolean,
  needs: ServerTransactionNeeds,
  transmit: (bytes: Buffer, onError: () => void) => void,
  { onEnd, onCompleted }: Ends,
): Core {
  const isInvite = request.method === 'INVITE';
  let unanswered: SipRequest | undefined = request;
  let last: Buffer | undefined;
  let finalStatus = 0;
  let ack: { request: SipRequest; flow: Flow } | undefined;
  let isCancelled = false;
  let cancelled: (() => void) | undefined;
  let failed: ((why: 'time-out' | 'transport-error') => void) | undefined;
  let sent = 0;
  let tag: string | undefined;

  const send = (bytes: Buffer): void => {
    needs.statistics.responsesOut += 1;
    transmit(bytes, () => runner.handle('transport-error'));
  };

  const perform = (effect: Effect): void => {
    if (effect === 'send') {
      if (last === undefined) return;
      if (sent > 0) needs.statistics.retransmissionsOut += 1;
      sent += 1;
      send(last);
    } else if (effect === 'send-trying') {
      // Timer `trying` may find that somebody has answered provisionally by now.
      if (last !== undefined || unanswered === undefined) return;
      last = writeMessage(createResponse(unanswered, 100));
      send(last);
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
    { clock: needs.clock, timing: needs.timing, statistics: needs.statistics, isReliable, perform, onEnd },
  );

  /** The end of what is not INVITE over UDP: what the table does from here on needs only the answer, if anything. */
  const conclude = (answer: Buffer, isKept: boolean): void => {
    let isSent = true;
    runner.stop();
    needs.statistics.responsesOut += 1;
    transmit(answer, () => {
      isSent = false;
    });
    if (isSent && isKept) onCompleted(answer);
    else onEnd();
    if (!isSent) perform('transport-error');
  };

  /** Whether the response may be sent; a final one ends what waited for it. */
  const admit = (status: number): boolean => {
    if (status < 200 ? !isInvite || finalStatus > 0 : isForbidden(isInvite, status, finalStatus)) return false;
    // RFC 4320 4.2: the client has given up.
    if (runner.state === 'terminated') return false;
    if (status >= 200) {
      finalStatus = status;
      unanswered = undefined;
      cancelled = undefined;
    }
    return true;
  };

  const respond = (response: SipResponse): void => {
    const { status } = response;
    if (!admit(status)) return;
    last = writeMessage(response);
    sent = 0;
    if (!isInvite && !isReliable) conclude(last, true);
    else runner.handle(status < 200 ? 'tu-1xx' : status < 300 ? 'tu-2xx' : 'tu-300-699');
  };

  return {
    get toTag() {
      tag ??= needs.newTag();
      return tag;
    },
    get isAnswered() {
      return finalStatus > 0;
    },
    respond,
    respondStateless(response) {
      if (isInvite || isReliable) respond(response);
      else if (admit(response.status)) conclude(writeMessage(response), false);
    },
    onCancel(listener) {
      if (finalStatus > 0) return;
      if (isCancelled) listener();
      else cancelled = listener;
    },
    onFailure(listener) {
      failed = listener;
    },
    receive(again, from) {
      if (again.method === 'ACK') {
        ack = { request: again, flow: from };
        runner.handle('ack');
        ack = undefined;
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
