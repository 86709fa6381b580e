import type { Clock } from '../../platform/clock.ts';
import { SipError } from '../errors.ts';
import { createResponse } from '../message/build.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import { writeMessage } from '../message/write.ts';
import { countRequest, type SipStatistics } from '../statistics.ts';
import type { Flow } from '../transport/flow.ts';
import { type ClientTransaction, createClientTransaction } from './client-transaction.ts';
import { CompletedTransactions } from './completed.ts';
import { clientKey, serverKey } from './keys.ts';
import { createServerTransaction, type OwnedServerTransaction, type ServerTransaction } from './server-transaction.ts';
import type { SipTiming } from './timing.ts';

/** Sends a response by RFC 3261 18.2.2; `onError` when it cannot. It never throws. */
export type Responder = (bytes: Buffer, onError: () => void) => void;

export interface TransactionsNeeds {
  readonly clock: Clock;
  readonly timing: SipTiming;
  readonly statistics: SipStatistics;
  /** Past so many server transactions new requests are answered 503 at once, without one. */
  readonly maxServerTransactions: number;
  /** A new request; ACK and CANCEL never come here. */
  readonly onRequest: (transaction: ServerTransaction) => void;
  /** The ACK of a 2xx (or one that nobody waits for): it has no transaction and no answer. */
  readonly onAck: (ack: SipRequest, flow: Flow) => void;
  readonly responderFor: (request: SipRequest, flow: Flow) => Responder;
  readonly newTag: () => string;
  readonly tagOf: (text: string) => string;
}

export interface ClientListener {
  readonly onResponse: (response: SipResponse) => void;
  readonly onFailure: (error: SipError) => void;
}

/** The transaction layer: who belongs to whom (RFC 3261 17, RFC 6026). */
export interface Transactions {
  receive(message: SipMessage, flow: Flow): void;
  /** Sends a request that has its Via, and keeps sending it while that is right. */
  start(request: SipRequest, flow: Flow, listener: ClientListener): ClientTransaction;
  /** Ends every transaction without further effect; clients hear `sip.closed`. */
  close(): void;
}

export function createTransactions(needs: TransactionsNeeds): Transactions {
  const { statistics } = needs;
  const servers = new Map<string, OwnedServerTransaction>();
  const completed = new CompletedTransactions({
    clock: needs.clock,
    holdMs: 64 * needs.timing.t1,
    statistics,
    servers,
  });
  const clients = new Map<string, { transaction: ClientTransaction; listener: ClientListener }>();

  const serve = (request: SipRequest, flow: Flow, key: string): ServerTransaction => {
    const respond = needs.responderFor(request, flow);
    const { owned, transaction } = createServerTransaction(request, flow, needs, respond, {
      onEnd() {
        servers.delete(key);
        statistics.serverTransactions = servers.size;
      },
      onCompleted: (answer) => completed.keep(key, answer, respond),
    });
    servers.set(key, owned);
    statistics.serverTransactions = servers.size;
    return transaction;
  };

  /** RFC 3261 9.2: it is answered here, and the INVITE hears of it. */
  const cancel = (request: SipRequest, flow: Flow, key: string): void => {
    const invite = servers.get(serverKey(request, 'INVITE'));
    if (invite === undefined) statistics.stray += 1;
    const answer = createResponse(request, invite === undefined ? 481 : 200, { toTag: needs.newTag() });
    serve(request, flow, key).respond(answer);
    invite?.cancel();
  };

  const receiveRequest = (request: SipRequest, flow: Flow): void => {
    const key = serverKey(request);
    countRequest(statistics, flow.transport, request.method);
    const known = servers.get(key);
    if (known !== undefined) known.receive(request, flow);
    else if (request.method === 'ACK') needs.onAck(request, flow);
    else if (servers.size >= needs.maxServerTransactions) {
      statistics.shed += 1;
      const answer = createResponse(request, 503, { toTag: needs.newTag(), headers: [['Retry-After', '5']] });
      needs.responderFor(request, flow)(writeMessage(answer), () => {
        statistics.transportErrors += 1;
      });
    } else if (request.method === 'CANCEL') cancel(request, flow, key);
    else needs.onRequest(serve(request, flow, key));
  };

  return {
    receive(message, flow) {
      if (message.kind === 'request') {
        receiveRequest(message, flow);
        return;
      }
      statistics.responsesIn += 1;
      const key = clientKey(message);
      const client = key === undefined ? undefined : clients.get(key);
      // RFC 6026 7.2 and 8.9: a response of no transaction goes nowhere.
      if (client === undefined) statistics.stray += 1;
      else client.transaction.receive(message);
    },
    start(request, flow, listener) {
      const key = clientKey(request);
      if (key === undefined) throw new SipError('sip.malformed', 'a request that is sent needs a branch of ours');
      let isOver = false;
      const transaction = createClientTransaction(request, flow, {
        ...needs,
        ...listener,
        onEnd() {
          isOver = true;
          clients.delete(key);
          statistics.clientTransactions = clients.size;
        },
      });
      // A flow that fails at once has ended it before it could be written down.
      if (!isOver) clients.set(key, { transaction, listener });
      statistics.clientTransactions = clients.size;
      return transaction;
    },
    close() {
      for (const transaction of servers.values()) transaction.stop();
      completed.stop();
      const waiting = [...clients.values()];
      servers.clear();
      clients.clear();
      statistics.serverTransactions = 0;
      statistics.clientTransactions = 0;
      for (const { transaction, listener } of waiting) {
        transaction.stop();
        listener.onFailure(new SipError('sip.closed', 'the SIP endpoint is closing'));
      }
    },
  };
}
