import { hash, randomBytes } from 'node:crypto';
import { lookup as machineLookup, Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describeError } from '../platform/errors.ts';
import type { Scope } from '../platform/service.ts';
import { type CallOptions, type ClientCall, createCall } from './call.ts';
import type { SipEndpointNeeds, SipEndpointOptions } from './endpoint-options.ts';
import { SipError } from './errors.ts';
import { createLocator } from './location/locate.ts';
import { createResponse } from './message/build.ts';
import { requestUri, type SipRequest, type SipResponse, topVia } from './message/message.ts';
import { parseDatagram, SipParseError } from './message/parse.ts';
import { writeMessage } from './message/write.ts';
import { randomText } from './random-text.ts';
import { createStatistics, type SipStatistics } from './statistics.ts';
import type { ServerTransaction } from './transaction/server-transaction.ts';
import { DEFAULT_TIMING } from './transaction/timing.ts';
import { createTransactions, type Responder } from './transaction/transactions.ts';
import { openPair } from './transport/bind.ts';
import { defaultPort, type Flow, type Hop, hostOf, type SipTransport, type SocketAddress } from './transport/flow.ts';
import { createFlowTokens, type FlowTokens } from './transport/flow-tokens.ts';
import { type OpenedFurther, openFurther } from './transport/further.ts';
import { DEFAULT_CONNECTION_LIMITS, type SipTlsOptions } from './transport/options.ts';
import { createStreams, type StreamListener } from './transport/streams.ts';
import { openUdp, type UdpListener } from './transport/udp.ts';
import { parseUri } from './values/uri.ts';
import { BRANCH_COOKIE } from './values/via.ts';
import { noteSource, responseHop } from './via-rules.ts';

export type { SipEndpointNeeds, SipEndpointOptions } from './endpoint-options.ts';

/** Where a request goes: a flow that is open, an address, or a URI to be located by RFC 3263. */
export type SipTarget = { readonly flow: Flow } | { readonly hop: Hop } | { readonly uri: string };

export type RequestHandler = (transaction: ServerTransaction) => void | Promise<void>;

/** The SIP stack behind one door: transports, transactions, location of servers. It knows no service. */
export interface SipEndpoint {
  /**
   * Opens the listeners; the scope closes them.
   * @throws SipError `sip.bind` naming transport, address and port, unless `mayLackListeners`
   */
  open(scope: Scope): Promise<void>;
  /** Tries those listeners that are not open; answers a `sip.bind` for each that still cannot be. */
  openMissing(): Promise<readonly SipError[]>;
  readonly addresses: Readonly<Record<Lowercase<SipTransport>, SocketAddress | undefined>>;
  /** Ports of the further listeners that are open, by their names. */
  readonly furtherPorts: ReadonlyMap<string, number>;
  /**
   * Takes every new request but ACK and CANCEL. What the handler throws becomes the answer: a SipError its `answer`,
   * anything else 500.
   */
  onRequest(handler: RequestHandler): void;
  /** Takes each ACK of a 2xx: it has no transaction and no answer. */
  onAck(handler: (ack: SipRequest, flow: Flow) => void): void;
  /** Sends a request; Via is added. Without a target it goes to the first Route, else to the Request-URI. */
  request(request: SipRequest, target?: SipTarget, options?: CallOptions): ClientCall;
  /** The final response of `request`. */
  send(request: SipRequest, target?: SipTarget): Promise<SipResponse>;
  /** Sends without a transaction: the ACK of a 2xx. Via is added. */
  sendStateless(request: SipRequest, target?: SipTarget): Promise<void>;
  /** Where the request would go (RFC 3263 4, RFC 3261 8.1.2). */
  locate(uri: string): Promise<readonly Hop[]>;
  readonly flows: FlowTokens;
  /** `host:port` of our listener, as Via, Contact and Record-Route name it. */
  sentBy(transport: SipTransport): string;
  /** New key, certificate and authorities for connections to come. */
  renewTls(tls: SipTlsOptions): void;
  readonly statistics: Readonly<SipStatistics>;
}

const SWEEP_MS = 5_000;
/** RFC 3261 18.1.1: 200 bytes less than the MTU of Ethernet. Our Via takes some of it. */
const UDP_BYTES = 1_300;

export function createSipEndpoint(needs: SipEndpointNeeds, options: SipEndpointOptions): SipEndpoint {
  const { clock } = needs;
  const log = needs.log.child({ subsystem: 'sip' });
  const timing = options.timing ?? DEFAULT_TIMING;
  const statistics = createStatistics();
  const newTag = (): string => randomText(8);
  const host = options.advertisedHost ?? ownAddress(options.host);
  let udp: UdpListener | undefined;
  let tcp: StreamListener | undefined;
  let tls: StreamListener | undefined;
  const further = new Map<string, OpenedFurther>();
  let handler: RequestHandler = (transaction) => transaction.reply(501);
  let ackHandler: (ack: SipRequest, flow: Flow) => void = () => {
    statistics.stray += 1;
  };
  const listenerOf = (transport: SipTransport): SocketAddress | undefined =>
    (transport === 'UDP' ? udp : transport === 'TCP' ? tcp : tls)?.local;

  /** The way back of a response, worked out at once, so that it holds on to nothing of the request. */
  const responderFor = (request: SipRequest, flow: Flow): Responder => {
    const hop = responseHop(request, flow);
    if (flow.transport !== 'UDP') return streamResponder(hop, flow);
    const back = hop.port === flow.remote.port ? flow : (udp?.flowTo({ address: hop.address, port: hop.port }) ?? flow);
    return (bytes, onError) => attemptResponse(() => back.send(bytes), onError);
  };

  const streamResponder = (hop: Hop, flow: Flow): Responder => {
    return (bytes, onError) =>
      attemptResponse(() => {
        if (flow.isOpen) flow.send(bytes);
        // The client may listen where its Via says, though its connection is gone (RFC 3261 18.2.2).
        else
          streams
            .connect(hop)
            .then((again) => again.send(bytes))
            .catch((error: unknown) => responseFailed(error, onError));
      }, onError);
  };

  const attemptResponse = (attempt: () => void, onError: () => void): void => {
    try {
      attempt();
    } catch (error) {
      if (!(error instanceof SipError)) throw error;
      responseFailed(error, onError);
    }
  };

  const responseFailed = (error: unknown, onError: () => void): void => {
    log.debug({ err: describeError(error) }, 'response not sent');
    onError();
  };

  const answerWithError = (transaction: ServerTransaction, error: unknown): void => {
    const answer = error instanceof SipError ? error.answer : undefined;
    if (answer === undefined) {
      log.error({ err: error, method: transaction.request.method }, 'a SIP request could not be handled');
      transaction.reply(500);
    } else {
      transaction.reply(answer.status, { reason: answer.reason, headers: Object.entries(answer.headers ?? {}) });
    }
  };

  const transactions = createTransactions({
    clock,
    timing,
    statistics,
    newTag,
    tagOf: createTagOf(),
    responderFor,
    maxServerTransactions: options.maxServerTransactions ?? 200_000,
    onAck: (ack, flow) => ackHandler(ack, flow),
    onRequest(transaction) {
      // Not `async`: a handler that answers at once answers before the next message is read.
      try {
        const later = handler(transaction);
        if (later !== undefined) later.catch((error: unknown) => answerWithError(transaction, error));
      } catch (error) {
        answerWithError(transaction, error);
      }
    },
  });

  const onMessage = (message: SipRequest | SipResponse, flow: Flow): void => {
    // What our users' callbacks throw must not end the socket that it came from, nor the process.
    try {
      if (message.kind === 'request') {
        noteSource(message, flow);
        acceptAlias(message, flow);
      }
      transactions.receive(message, flow);
    } catch (error) {
      log.error({ err: error, flow: flow.id }, 'a SIP message could not be handled');
    }
  };

  const onRefused = (error: SipParseError, flow: Flow): void => {
    statistics.malformed += 1;
    log.debug({ err: error.message, transport: flow.transport }, 'SIP message refused');
    const { request, answer } = error;
    if (request === undefined || answer === undefined) return;
    noteSource(request, flow);
    const response = createResponse(request, answer.status, { reason: answer.reason, toTag: newTag() });
    // Whoever sends nonsense is told once; whether it arrives is the sender's concern.
    responderFor(request, flow)(writeMessage(response), () => undefined);
  };

  const streams = createStreams({
    clock,
    statistics,
    limits: { ...DEFAULT_CONNECTION_LIMITS, ...options.connections },
    tls: options.tls,
    isExempt: options.isExempt ?? (() => false),
    onMessage,
    onRefused,
    onTrouble: (what, error) => log.debug({ err: error.message }, what),
  });

  /** RFC 5923: only a peer whose certificate was verified may have requests sent back over its own connection. */
  const acceptAlias = (request: SipRequest, flow: Flow): void => {
    if (flow.transport !== 'TLS' || flow.peerNames.length === 0) return;
    const via = topVia(request);
    const connection = via.params.has('alias') ? streams.find(flow.id) : undefined;
    if (connection !== undefined) streams.alias(connection, via.port ?? defaultPort('TLS'));
  };

  const onDatagram = (bytes: Buffer, flow: Flow): void => {
    // COMPAT: clients keep a UDP flow alive with line ends, or with single zero bytes.
    if (bytes.length <= 4) return;
    try {
      onMessage(parseDatagram(bytes), flow);
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      onRefused(error, flow);
    }
  };

  const flowOverUdp = (to: SocketAddress): Flow => {
    if (udp === undefined) throw new SipError('sip.unreachable', 'there is no UDP socket');
    return udp.flowTo({ address: to.address, port: to.port });
  };

  const flowTo = async (target: Hop | Flow, request: SipRequest): Promise<Flow> => {
    if ('send' in target) return target;
    if (target.transport !== 'UDP') return streams.connect(target);
    if (target.isTransportOpen === true && writeMessage(request).length > UDP_BYTES) {
      try {
        return await streams.connect({ ...target, transport: 'TCP' });
      } catch (error) {
        // RFC 3261 18.1.1: a server without TCP gets it over UDP, however large.
        if (!(error instanceof SipError)) throw error;
      }
    }
    return flowOverUdp(target);
  };

  const sentBy = (transport: SipTransport, flow?: Flow): string => {
    const port = listenerOf(transport)?.port ?? flow?.local.port ?? defaultPort(transport);
    return `${hostOf(host)}:${port}`;
  };

  const withVia = (request: SipRequest, flow: Flow, branchSuffix = ''): SipRequest => {
    const branch = BRANCH_COOKIE + randomText(12) + branchSuffix;
    const alias = flow.transport === 'TLS' && tls !== undefined ? ';alias' : '';
    const via = `SIP/2.0/${flow.transport} ${sentBy(flow.transport, flow)};branch=${branch};rport${alias}`;
    return { ...request, headers: request.headers.clone().addFirst('Via', via) };
  };

  const locator = createLocator({
    resolver: needs.resolver ?? new Resolver(),
    lookup: needs.lookup ?? lookup,
    random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    transports: () =>
      (['TLS', 'TCP', 'UDP'] as const).filter((each) =>
        each === 'UDP' ? udp !== undefined : each === 'TCP' || options.tls !== undefined,
      ),
    families: options.host === '::' ? [4, 6] : [isIPv6(options.host) ? 6 : 4],
  });

  const targetsOf = async (request: SipRequest, target: SipTarget | undefined): Promise<readonly (Hop | Flow)[]> => {
    if (target !== undefined && 'flow' in target) return [target.flow];
    if (target !== undefined && 'hop' in target) return [target.hop];
    if (target !== undefined) return locator.locate(parseUri(target.uri));
    return locator.locate(request.headers.get('route')?.uri ?? requestUri(request));
  };

  const call = (request: SipRequest, target?: SipTarget, callOptions: CallOptions = {}): ClientCall =>
    createCall(
      request,
      () => targetsOf(request, target),
      { clock, holdMs: 64 * timing.t1, transactions, flowTo, withVia },
      callOptions,
    );

  const openMissing = async (): Promise<readonly SipError[]> => {
    const { host: at, port, tlsPort } = options;
    const udpOptions = {
      onDatagram,
      onError: (error: Error) => log.debug({ err: error.message }, 'a datagram was not sent'),
    };
    const errors: SipError[] = [];
    const attempt = async (open: () => Promise<void>): Promise<void> => {
      try {
        await open();
      } catch (error) {
        if (!(error instanceof SipError)) throw error;
        errors.push(error);
      }
    };
    if (port === 0 && udp === undefined) {
      await attempt(async () => {
        ({ udp, tcp } = await openPair(streams, at, udpOptions));
      });
    } else if (port !== null) {
      await attempt(async () => {
        tcp ??= await streams.listen('TCP', at, port);
      });
      await attempt(async () => {
        udp ??= await openUdp(at, port, udpOptions);
      });
    }
    if (tlsPort !== null) {
      await attempt(async () => {
        tls ??= await streams.listen('TLS', at, tlsPort);
      });
    }
    for (const wanted of options.further ?? []) {
      if (further.has(wanted.name)) continue;
      await attempt(async () => void further.set(wanted.name, await openFurther(wanted, streams, udpOptions)));
    }
    return errors;
  };

  return {
    openMissing,
    async open(scope) {
      scope.defer(async () => {
        transactions.close();
        await Promise.all([streams.close(), udp?.close(), ...[...further.values()].map((each) => each.udp?.close())]);
        further.clear();
        udp = undefined;
        tcp = undefined;
        tls = undefined;
      });
      const [error] = await openMissing();
      if (error !== undefined && options.mayLackListeners !== true) throw error;
      scope.every(SWEEP_MS, () => streams.sweep());
    },
    get addresses() {
      return { udp: udp?.local, tcp: tcp?.local, tls: tls?.local };
    },
    get furtherPorts() {
      return new Map([...further.values()].map(({ name, port }) => [name, port]));
    },
    onRequest(taker) {
      handler = taker;
    },
    onAck(taker) {
      ackHandler = taker;
    },
    request: call,
    send: (request, target) => call(request, target).final,
    async sendStateless(request, target) {
      const [first] = await targetsOf(request, target);
      if (first === undefined) throw new SipError('sip.unresolved', 'there is nowhere to send it');
      const flow = await flowTo(first, request);
      statistics.requestsOut += 1;
      flow.send(writeMessage(withVia(request, flow)));
    },
    locate: (uri) => locator.locate(parseUri(uri)),
    flows: createFlowTokens({
      secret: randomBytes(32),
      findConnection: streams.find,
      udpFlow: (remote) => udp?.flowTo(remote),
    }),
    sentBy: (transport) => sentBy(transport),
    renewTls: (renewed) => streams.renew(renewed),
    statistics,
  };
}

async function lookup(name: string): Promise<readonly string[]> {
  return (await machineLookup(name, { all: true })).map(({ address }) => address);
}

/** Tags that nobody can guess and that are the same again for the same text (RFC 3261 8.2.7). */
function createTagOf(): (text: string) => string {
  const secret = randomText(24);
  return (text) => hash('sha256', secret + text, 'base64url').slice(0, 11);
}

/** A wildcard is no address that anybody could answer to: the first one of the machine that others can reach stands for it. */
function ownAddress(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const reachable = all.find((each) => !each.internal && each.family === 'IPv4') ?? all.find((each) => !each.internal);
  return reachable?.address ?? '127.0.0.1';
}
