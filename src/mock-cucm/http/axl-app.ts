import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, sleep } from '../../platform/clock.ts';
import { HttpBodyError } from '../../platform/http-body.ts';
import type { HttpHandler } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import { XmlError } from '../../xml/errors.ts';
import type { FaultSwitches } from '../faults.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { type AxlRequest, readRequest } from '../message/read-request.ts';
import { chooseVersion, SUPPORTED_VERSIONS, versionList, versionOfAction } from '../message/versions.ts';
import { REPLY_TYPE, writeFault, writeReply } from '../message/write-reply.ts';
import { operations } from '../operations/index.ts';
import type { OperationNeeds } from '../operations/operation.ts';
import { type Account, accessOf, readBasic, signIn } from './accounts.ts';
import { REASONS, statusPage, welcomePage } from './pages.ts';
import { createReplyEncoder } from './reply-encoder.ts';
import { createReplyMemory, memoryConsumed } from './reply-memory.ts';
import type { Sessions } from './sessions.ts';

export interface AxlAppNeeds extends OperationNeeds {
  readonly faults: FaultSwitches;
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly log: Log;
}

const HTML = 'text/html;charset=utf-8';
const RETRY_SECONDS = 2;
const CHALLENGE = { 'www-authenticate': 'Basic realm="Cisco AXL API"' } as const;

/** An answer that is a page rather than SOAP. */
class StatusPage extends Error {
  override readonly name = 'StatusPage';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message?: string, headers: Readonly<Record<string, string>> = {}) {
    super(message ?? REASONS[status] ?? '');
    this.status = status;
    this.headers = headers;
  }
}

/** `/axl/`: who may, which schema, which operation; every failure gets the answer that CUCM gives. */
export function createAxlApp(needs: AxlAppNeeds): HttpHandler {
  const { faults, log } = needs;
  const memory = createReplyMemory();
  const encoder = createReplyEncoder();

  /** Sends SOAP, or what the faults make of it. @throws AxlFault -1 when the sum of all replies grows too large */
  const transmit = (response: ServerResponse, status: number, parts: readonly string[]): void => {
    if (faults.take('garbage')) {
      send(response, status, REPLY_TYPE, '<<<\u0007 this is not AXL &');
      return;
    }
    const { bytes, pieces, release } = encoder.encode(parts);
    response.once('close', release);
    // A fault always finds room.
    if (status === 200) memory.claim(response, bytes);
    response.writeHead(status, REASONS[status] ?? 'OK', { 'content-type': REPLY_TYPE, 'content-length': bytes });
    if (faults.take('truncate')) {
      const whole = Buffer.concat(pieces);
      response.write(whole.subarray(0, Math.floor(bytes / 2)), () => response.destroy());
      return;
    }
    response.cork();
    for (const piece of pieces) response.write(piece);
    response.end();
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let operation = '';
    try {
      if (faults.isOn('stopped')) throw new StatusPage(404);
      const account = identify(needs, request, response);
      if (request.method === 'GET' || request.method === 'HEAD') {
        send(response, 200, HTML, welcomePage);
        return;
      }
      if (request.method !== 'POST') throw new StatusPage(405);
      const asked = await readRequest(request, needs.clock);
      operation = asked.operation;
      transmit(response, 200, await perform(needs, request, asked, account));
    } catch (error) {
      if (error instanceof StatusPage) {
        for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
        send(response, error.status, HTML, statusPage(error.status, error.message));
      } else if (error instanceof HttpBodyError) {
        // The rest of the body is not read: the connection cannot be used again.
        response.setHeader('connection', 'close');
        send(response, error.status, HTML, statusPage(error.status));
      } else {
        transmit(response, 500, [writeFault(faultOf(error, log), operation)]);
      }
    } finally {
      if (!request.readableEnded) request.resume();
    }
    log.debug({ operation, status: response.statusCode }, 'AXL request');
  };

  return (request, response) => {
    if (faults.isOn('down')) {
      request.socket.destroy();
      return;
    }
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'an AXL request could not be answered');
      response.destroy();
    });
  };
}

/** Who asks. @throws StatusPage 401, 403, 404 */
function identify(needs: AxlAppNeeds, request: IncomingMessage, response: ServerResponse): Account {
  const { sessions, store } = needs;
  const { authorization, cookie } = request.headers;
  const session = sessions.find(cookie);
  if (authorization !== undefined) {
    // Valid Basic is decisive, whatever cookie comes with it.
    const basic = readBasic(authorization);
    const account = basic && signIn(store.read, basic.name, basic.password);
    if (!account) throw new StatusPage(401, undefined, CHALLENGE);
    if (account.access === 'none') throw new StatusPage(403);
    if (!session || session.pkid !== account.pkid) response.setHeader('set-cookie', sessions.open(account));
    return account;
  }
  if (session === null) throw new StatusPage(401, undefined, CHALLENGE);
  if (session === undefined) throw new StatusPage(404);
  const access = accessOf(store.read, session.owner, session.pkid);
  if (access === 'none') throw new StatusPage(403);
  return { ...session, access };
}

async function perform(
  needs: AxlAppNeeds,
  request: IncomingMessage,
  asked: AxlRequest,
  account: Account,
): Promise<readonly string[]> {
  const { faults } = needs;
  const supported = faults.versions ?? SUPPORTED_VERSIONS;
  const header = request.headers.soapaction;
  const version = chooseVersion(supported, asked.version, versionOfAction(Array.isArray(header) ? header[0] : header));
  if (version === undefined) {
    throw new StatusPage(599, `Incorrect axl version. Supported axl versions are ${versionList(supported)}`);
  }
  if (faults.latencyMs > 0) await sleep(needs.clock, faults.latencyMs);
  if (faults.take('error-rate')) throw new AxlFault(AXL_CODE.unknownFailure, 'Unknown failure');
  if (faults.take('memory')) throw memoryConsumed();
  const operation = operations.get(asked.operation);
  if (!operation) throw new AxlFault(AXL_CODE.unknownOperation, `Unknown operation: ${asked.operation}`);
  if (operation.isWrite) {
    if (account.access !== 'write') throw new StatusPage(401, undefined, CHALLENGE);
    if (faults.take('throttle')) throw new StatusPage(503, undefined, { 'retry-after': String(RETRY_SECONDS) });
  }
  return writeReply(asked.operation, version, asked.sequence, await operation.run(needs, asked.payload));
}

function faultOf(error: unknown, log: Log): AxlFault {
  if (error instanceof AxlFault) return error;
  if (error instanceof XmlError) {
    return new AxlFault(AXL_CODE.malformed, `The request is malformed: ${error.message}`, 'Client');
  }
  log.error({ err: error }, 'an AXL operation failed');
  return new AxlFault(AXL_CODE.unknownFailure, 'Unknown failure');
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body, 'utf8');
  response.writeHead(status, REASONS[status] ?? 'OK', { 'content-type': type, 'content-length': bytes.length });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}
