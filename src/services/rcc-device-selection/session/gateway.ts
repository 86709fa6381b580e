import { randomUUID } from 'node:crypto';
import type { Ids } from '../../../ids/ids.ts';
import type { Alarms } from '../../../platform/alarms.ts';
import type { Clock } from '../../../platform/clock.ts';
import { describeError, ImpError, isCallerError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { acceptRequest, createServerDialog, dialogIdOf } from '../../../sip/dialog/dialog.ts';
import { refusal, SipError } from '../../../sip/errors.ts';
import { createResponse } from '../../../sip/message/build.ts';
import { type SipRequest, toOf } from '../../../sip/message/message.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import type { RccCounters } from '../counters.ts';
import { CSTA_MEDIA_TYPE } from '../csta/names.ts';
import { type CstaMessage, readCstaMessage } from '../csta/read-request.ts';
import { type CstaAnswer, writeCstaAnswer } from '../csta/write-answer.ts';
import { RccError } from '../errors.ts';
import { type LineControl, LineError } from '../line-control/line-control.ts';
import { RCC_SERVICE } from '../names.ts';
import type { RccOptions } from '../options.ts';
import type { Refusals } from '../refusals.ts';
import { dialledNumber } from '../selection/line-uri.ts';
import type { Selections } from '../selections.ts';
import { signInTo } from '../sign-in.ts';
import { userOfAddress } from '../users.ts';
import { identityOf } from './identity.ts';
import { createLiveSession, type LiveSession, type LiveSessionNeeds } from './live-session.ts';
import { repeatUntilAck } from './repeated-answer.ts';
import type { Sessions } from './sessions.ts';

export interface GatewayNeeds {
  readonly sip: SipEndpoint;
  readonly ids: Ids;
  readonly selections: Selections;
  readonly sessions: Sessions;
  readonly lineControl: LineControl;
  readonly isLineControlUp: () => boolean;
  readonly refusals: Refusals;
  readonly counters: RccCounters;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the address may sign users in without their passwords. */
  readonly isTrusted: (address: string) => boolean;
  readonly options: RccOptions;
}

const ALLOW = 'INVITE, ACK, CANCEL, INFO, BYE, OPTIONS';
const SYSTEM_ERROR = 'CTIGWSystemError';

export interface Gateway {
  /** Answers a request, or throws what its answer is made of. */
  handle(transaction: ServerTransaction): Promise<void>;
  /** An ACK of a 2xx. */
  acknowledge(ack: SipRequest): void;
  /** A phone came or went: sessions that are not yet established are looked at again, established ones stay. */
  phonesChanged(): Promise<void>;
}

/** The CSTA side of remote call control: INVITE signs in and refreshes, INFO carries services, BYE ends (ECMA TR/87). */
export function createGateway(needs: GatewayNeeds): Gateway {
  const { sip, sessions, counters, options } = needs;

  const liveNeeds: LiveSessionNeeds = {
    ...needs,
    csta: {
      maxMonitors: options.maxMonitors,
      newId: randomUUID,
      numberOf: async (called) => {
        const number = dialledNumber(called);
        return number === null ? null : await needs.selections.dialled(number);
      },
    },
    sessionMs: options.sessionSeconds * 1_000,
    maxWaitingEvents: options.maxWaitingEvents,
    onEvent: (kind) => counters.events.labels(kind).inc(),
    onEnd(session) {
      sessions.remove(session);
      counters.sessions.set(sessions.size);
    },
  };

  const answerInvite = (transaction: ServerTransaction, session: LiveSession, answer: CstaAnswer): void => {
    const { request, flow } = transaction;
    const hasTimer = request.headers.lists('supported', 'timer');
    const response = createResponse(request, 200, {
      toTag: transaction.toTag,
      headers: [
        ['Contact', contactOf(sip, flow.transport)],
        ['Allow', ALLOW],
        ['Supported', 'timer'],
        // RFC 4028: only a client that knows timers is bound to refresh.
        ...(hasTimer ? ([['Require', 'timer']] as const) : []),
        ...(hasTimer ? ([['Session-Expires', `${options.sessionSeconds};refresher=uac`]] as const) : []),
      ],
      contentType: CSTA_MEDIA_TYPE,
      body: writeCstaAnswer(answer, session.namespace),
    });
    session.dialog = session.dialog ? acceptRequest(session.dialog, request) : createServerDialog(request, response);
    sessions.index(session);
    session.answer?.[Symbol.dispose]();
    session.answer = repeatUntilAck(
      needs.clock,
      () => transaction.respond(response),
      () => void session.end('it did not acknowledge the answer', true),
    );
    session.touch();
  };

  /** Drives the phone that the rules select, and once more when phones came or went meanwhile. */
  const select = async (session: LiveSession): Promise<void> => {
    do {
      session.isStale = false;
      await session.drive(await signInTo(needs.ids.read, needs.selections, session.user, session.lineUri));
    } while (session.isStale && session.state === 'signing-in');
  };

  const makeRoom = (pkid: string): void => {
    const own = sessions.ofUser(pkid);
    if (own.length >= options.sessionsPerUser) void own[0]?.end('the user signed in again', true);
    if (sessions.size >= options.maxSessions) throw refusal(503, 'Service Unavailable', { 'Retry-After': '60' });
  };

  const signIn = async (transaction: ServerTransaction, { namespace, request }: CstaMessage): Promise<void> => {
    if (request.name !== 'RequestSystemStatus' || request.line === null) {
      throw refusal(400, 'RequestSystemStatus With A Line Expected');
    }
    if (!needs.isLineControlUp()) throw refusal(503, 'Service Unavailable', { 'Retry-After': '30' });
    const identity = identityOf(transaction.request);
    if (identity === null) throw refusal(403, 'Unknown User');
    const user = await userOfAddress(needs.ids.read, identity);
    makeRoom(user.pkid);
    const session = createLiveSession(liveNeeds, user, request.line, namespace);
    sessions.add(session);
    transaction.onCancel(() => {
      transaction.reply(487);
      void session.end('it was cancelled', false);
    });
    try {
      await select(session);
    } catch (error) {
      await session.end('it was refused', false);
      const cause = error instanceof RccError ? error.code.replace('rcc.', '') : '';
      if (cause === 'not-licensed' || cause === 'not-authorized') {
        needs.refusals.add(cause, user.userid, describeError(error));
      }
      throw error;
    }
    // What was cancelled meanwhile has its answer, and what was lost is told so.
    if (isEnded(session)) {
      if (!transaction.isAnswered) throw refusal(503, 'Service Unavailable');
      return;
    }
    session.state = 'answered';
    answerInvite(transaction, session, await serve(session, request));
    session.csta.release();
    needs.refusals.forgive(user.userid);
    needs.alarms.clear(RCC_SERVICE, SYSTEM_ERROR);
    counters.signIns.labels('ok').inc();
    counters.sessions.set(sessions.size);
    needs.log.info(
      { user: user.userid, device: session.csta.line?.address.device },
      'remote call control session signed in',
    );
  };

  const serve = async (session: LiveSession, request: CstaMessage['request']): Promise<CstaAnswer> => {
    const answer = await session.csta.handle(request);
    counters.requests.labels(request.name, answer.name === 'CSTAErrorCode' ? answer.error.value : 'ok').inc();
    return answer;
  };

  const inside = async (transaction: ServerTransaction, session: LiveSession): Promise<void> => {
    const { request } = transaction;
    if (request.method === 'BYE') {
      transaction.reply(200);
      await session.end('the client ended it', false);
      return;
    }
    const message = messageOf(request);
    if (request.method === 'INFO' && session.dialog) {
      session.dialog = acceptRequest(session.dialog, request);
      establish(session);
    }
    session.touch();
    try {
      const answer = await serve(session, message.request);
      if (isEnded(session)) throw refusal(481, 'Call/Transaction Does Not Exist');
      if (request.method === 'INVITE') answerInvite(transaction, session, answer);
      else transaction.reply(200, { contentType: CSTA_MEDIA_TYPE, body: writeCstaAnswer(answer, message.namespace) });
    } finally {
      session.csta.release();
    }
  };

  const dispatch = async (transaction: ServerTransaction): Promise<void> => {
    const { request, flow } = transaction;
    if (!needs.isTrusted(flow.remote.address)) throw refusal(403, 'Forbidden');
    if (request.method === 'OPTIONS') {
      const headers = [['Allow', ALLOW] as const, ['Accept', CSTA_MEDIA_TYPE] as const];
      transaction.reply(200, { headers });
    } else if (request.method === 'INVITE' && toOf(request).tag === undefined) {
      await signIn(transaction, messageOf(request));
    } else if (request.method === 'INVITE' || request.method === 'INFO' || request.method === 'BYE') {
      const session = sessions.find(dialogIdOf(request));
      // After a loss this is what makes a client send a new INVITE.
      if (session === undefined) throw refusal(481, 'Call/Transaction Does Not Exist');
      await inside(transaction, session);
    } else throw refusal(405, 'Method Not Allowed', { Allow: ALLOW });
  };

  return {
    async handle(transaction) {
      try {
        await dispatch(transaction);
      } catch (error) {
        const { request } = transaction;
        if (request.method === 'INVITE' && toOf(request).tag === undefined) {
          counters.signIns.labels(error instanceof ImpError ? error.code : 'error').inc();
        }
        if (!isCallerError(error) && !isUnavailable(error)) {
          needs.alarms.raise(RCC_SERVICE, SYSTEM_ERROR, 3, describeError(error));
        }
        throw toSip(error);
      }
    },
    acknowledge(ack) {
      const session = sessions.find(dialogIdOf(ack));
      if (session) establish(session);
    },
    async phonesChanged() {
      for (const session of [...sessions]) {
        if (session.state === 'signing-in') session.isStale = true;
        if (session.state !== 'answered') continue;
        try {
          await select(session);
        } catch (error) {
          // It keeps the phone that it has.
          if (!(error instanceof ImpError)) throw error;
          needs.log.debug({ user: session.user.userid, err: error.message }, 'no other phone was selected');
        }
      }
    },
  };
}

function isUnavailable(error: unknown): error is ImpError {
  return error instanceof ImpError && error.kind === 'unavailable';
}

/** A function, since the compiler takes the state for what it was before the last await. */
function isEnded(session: LiveSession): boolean {
  return session.state === 'ended';
}

function establish(session: LiveSession): void {
  session.answer?.[Symbol.dispose]();
  session.answer = undefined;
  if (session.state === 'answered') session.state = 'established';
}

/** @throws SipError 415, 400 */
function messageOf(request: SipRequest): CstaMessage {
  const type = request.headers.get('content-type')?.value.toLowerCase();
  if (type !== CSTA_MEDIA_TYPE) throw refusal(415, 'Unsupported Media Type', { Accept: CSTA_MEDIA_TYPE });
  const message = readCstaMessage(request.body);
  if (message === null) throw refusal(400, 'No CSTA Message');
  return message;
}

function contactOf(sip: SipEndpoint, transport: Parameters<SipEndpoint['sentBy']>[0]): string {
  return `<sip:rcc@${sip.sentBy(transport)}${transport === 'UDP' ? '' : `;transport=${transport.toLowerCase()}`}>`;
}

/** What our own errors are over SIP; those that carry an answer stay. */
function toSip(error: unknown): unknown {
  if (error instanceof SipError) return error;
  if (isUnavailable(error)) return refusal(503, 'Service Unavailable', { 'Retry-After': '30' }, error);
  if (error instanceof LineError) return refusal(480, 'Temporarily Unavailable', undefined, error);
  if (!(error instanceof RccError)) return error;
  if (error.code === 'rcc.line-uri') return refusal(400, 'Malformed Line URI', undefined, error);
  if (error.code === 'rcc.not-licensed') return refusal(403, 'User Not Licensed', undefined, error);
  return refusal(403, 'User Not Authorized', undefined, error);
}
