import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import { endRefused, HttpBodyError, readBody } from '../../platform/http-body.ts';
import type { HttpHandler } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import { plainAddress } from '../../platform/networks.ts';
import {
  type BoshBody,
  BoshError,
  type BoshReply,
  type BoshSession,
  type ClientIntake,
  createBoshSession,
  readBoshBody,
  terminateBody,
} from '../../xmpp/xmpp.ts';

export interface HttpBindNeeds {
  readonly intake: ClientIntake;
  readonly clock: Clock;
  readonly log: Log;
  readonly isAllowedOrigin: (origin: string | undefined) => boolean;
  readonly onFailure: () => void;
}

export interface HttpBindOptions {
  readonly stanzaBytes: number;
  readonly waitSeconds: number;
  readonly inactivitySeconds: number;
}

const BODY_MS = 30_000;

/** XMPP over HTTP requests that are held open (XEP-0124, XEP-0206), for browsers without WebSocket. */
export function createHttpBind(needs: HttpBindNeeds, options: HttpBindOptions): HttpHandler {
  const { intake, clock, log } = needs;
  const sessions = new Map<string, BoshSession>();

  const open = (first: BoshBody, address: string): BoshSession => {
    if (first.header.to === null) throw new BoshError('improper-addressing', 'a session is opened to a domain');
    const place = intake.admit(address);
    if (place === undefined) throw new BoshError('policy-violation', 'there are too many sessions');
    const session = createBoshSession(first, {
      clock,
      waitSeconds: options.waitSeconds,
      inactivitySeconds: options.inactivitySeconds,
      onOver() {
        sessions.delete(session.sid);
        place[Symbol.dispose]();
      },
    });
    sessions.set(session.sid, session);
    intake.serve(session.transport, address, false);
    return session;
  };

  const exchange = async (request: IncomingMessage, response: ServerResponse, address: string): Promise<void> => {
    const text = await readBody(request, clock, { maxBytes: options.stanzaBytes, timeoutMs: BODY_MS });
    const bytes = Buffer.byteLength(text);
    const body = readBoshBody(text);
    const session = body.sid === null ? open(body, address) : sessions.get(body.sid);
    if (session === undefined) throw new BoshError('item-not-found', 'there is no such session');
    if (bytes > session.maxBytes) {
      session.transport.destroy();
      throw new BoshError('policy-violation', `a request is larger than ${session.maxBytes} bytes`);
    }
    const reply: BoshReply = { send: (answer) => say(response, 200, answer) };
    response.on('close', () => {
      if (!response.writableFinished) session.abandon(reply);
    });
    session.request(body, bytes, reply);
  };

  return (request, response) => {
    const { origin } = request.headers;
    if (!needs.isAllowedOrigin(origin)) {
      refuse(request, response, 403);
      return;
    }
    if (origin !== undefined) allowOrigin(response, origin);
    if (request.method === 'OPTIONS') {
      request.resume();
      response.writeHead(204, { 'access-control-allow-methods': 'POST, OPTIONS', 'access-control-max-age': '86400' });
      response.end();
      return;
    }
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST, OPTIONS');
      refuse(request, response, 405);
      return;
    }
    const address = plainAddress(request.socket.remoteAddress ?? '');
    exchange(request, response, address).catch((error: unknown) => {
      needs.onFailure();
      if (error instanceof HttpBodyError) {
        response.writeHead(error.status, { 'content-type': 'text/plain; charset=utf-8' });
        endRefused(request, response, `${error.message}\n`);
      } else if (error instanceof BoshError) say(response, 200, terminateBody(error.condition));
      else {
        log.error({ err: describeError(error) }, 'a request failed');
        say(response, 200, terminateBody('internal-server-error'));
      }
    });
  };
}

function say(response: ServerResponse, status: number, body: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(status === 405 ? 'XMPP clients use POST here\n' : 'this origin may not connect\n');
}

/** Pages of other origins may call: nothing is authenticated by what a browser adds of itself. */
function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-allow-headers', 'content-type');
  response.setHeader('vary', 'origin');
}
