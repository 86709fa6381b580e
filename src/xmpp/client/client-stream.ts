import type { Clock } from '../../platform/clock.ts';
import { attribute, element, textOf, type XmlElement } from '../../xml/element.ts';
import { el, isElement } from '../elements.ts';
import { XmppError } from '../errors.ts';
import { type Jid, parseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { fromSaslText, saslText } from '../sasl/base64.ts';
import { beginSasl, type SaslCredentials } from '../sasl/client-mechanisms.ts';
import { readSaslFailure } from '../sasl/sasl-error.ts';
import type { Mechanism } from '../sasl/server-mechanisms.ts';
import { readStanzaError } from '../stanza-error.ts';
import { readStreamError, StreamError, toStreamError, writeStreamError } from '../stream-error.ts';
import type { StreamHeader } from '../stream-header.ts';
import type { Transport } from '../transport.ts';

export interface ClientStreamOptions {
  /** `server`: a link between servers or nodes: no resource is bound. */
  readonly kind: 'client' | 'server';
  /** Whom the stream is opened to. */
  readonly domain: string;
  /** Who opens it, where that is said: a server says its own domain. */
  readonly from?: string;
  readonly credentials: SaslCredentials;
  readonly mechanisms?: readonly Mechanism[];
  /** Without one the server chooses. */
  readonly resource?: string;
  /** A stream in the clear is used only when this is true. */
  readonly allowsPlaintext?: boolean;
  readonly clock: Clock;
  /** For the whole of opening. */
  readonly timeoutMs: number;
  readonly stanzaBytes: number;
  /** What arrives once the stream is open: stanzas and other elements, in order. */
  onElement(element: XmlElement, stream: ClientStream): void;
  /** Once, last, when the stream was open. The error is what the other side gave as its reason, or what went wrong. */
  onClosed(error: Error | null): void;
}

/** A stream that we opened to a server. */
export interface ClientStream {
  readonly transport: Transport;
  /** Our full address; null on a link between servers. */
  readonly jid: Jid | null;
  /** What the server offers now that we are signed in. */
  readonly features: XmlElement;
  /** False when the other side is slow. */
  send(element: XmlElement): boolean;
  end(error?: StreamError): void;
}

/**
 * Opens a stream on a connection: STARTTLS, sign-in, binding.
 * @throws SaslError, StreamError (with `otherHost` for `see-other-host`), StanzaError (binding), XmppError
 * `xmpp.connection`; the connection is then closed.
 */
export async function openStream(transport: Transport, options: ClientStreamOptions): Promise<ClientStream> {
  let inbox: XmlElement[] = [];
  let waiting: { resolve(element: XmlElement): void; reject(error: Error): void } | undefined;
  let failure: Error | null = null;
  let isOver = false;
  let open: ClientStream | undefined;

  const deliver = (said: XmlElement): void => {
    if (open !== undefined) {
      options.onElement(said, open);
      return;
    }
    if (waiting === undefined) inbox.push(said);
    else waiting.resolve(said);
    waiting = undefined;
  };
  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
    waiting = undefined;
  };
  const over = (): Error => failure ?? new XmppError('xmpp.connection', 'the connection is closed');

  const next = (): Promise<XmlElement> =>
    new Promise((resolve, reject) => {
      const said = inbox.shift();
      if (said !== undefined) resolve(said);
      else if (isOver || failure !== null) reject(over());
      else waiting = { resolve, reject };
    });
  const send = (said: XmlElement): boolean => transport.send(transport.framing.element(said));
  const begin = async (): Promise<XmlElement> => {
    const header: StreamHeader = {
      from: options.from ?? null,
      to: options.domain,
      id: null,
      version: '1.0',
      lang: 'en',
    };
    transport.send(transport.framing.open(header));
    const features = await next();
    if (!isElement(features, NS.stream, 'features')) throw new StreamError('bad-format', 'the server sent no features');
    return features;
  };

  transport.setLimit(options.stanzaBytes);
  transport.listen({
    opened: () => undefined,
    element(said) {
      if (!isElement(said, NS.stream, 'error')) return deliver(said);
      fail(readStreamError(said));
      return transport.end(transport.framing.close());
    },
    closed() {
      fail(over());
      transport.end(transport.framing.close());
    },
    failed(error) {
      const said = toStreamError(error);
      fail(said);
      send(writeStreamError(said));
      transport.end(transport.framing.close());
    },
    gone() {
      isOver = true;
      if (open === undefined) fail(over());
      else options.onClosed(failure);
    },
  });

  const patience = options.clock.schedule(options.timeoutMs, () => {
    fail(new XmppError('xmpp.connection', `the stream to ${options.domain} did not open in time`));
    transport.destroy();
  });
  try {
    let features = await begin();
    if (!transport.isSecure && element(features, 'starttls', NS.tls) !== undefined) {
      await startTls(transport, send, next);
      features = await begin();
    }
    if (!transport.isSecure && options.allowsPlaintext !== true) {
      throw new StreamError('policy-violation', 'the server does not offer TLS');
    }
    await signIn(features, transport, options, send, next);
    features = await begin();
    const jid = options.kind === 'client' ? await bind(options.resource, send, next) : null;
    const stream: ClientStream = {
      transport,
      jid,
      features,
      send,
      end(error) {
        if (error !== undefined) send(writeStreamError(error));
        transport.end(transport.framing.close());
      },
    };
    if (isOver) throw over();
    open = stream;
    const early = inbox;
    inbox = [];
    for (const said of early) options.onElement(said, stream);
    return stream;
  } catch (error) {
    transport.end(transport.framing.close());
    throw error;
  } finally {
    patience[Symbol.dispose]();
  }
}

type Send = (said: XmlElement) => boolean;
type Next = () => Promise<XmlElement>;

async function startTls(transport: Transport, send: Send, next: Next): Promise<void> {
  send(el(NS.tls, 'starttls'));
  const answer = await next();
  if (!isElement(answer, NS.tls, 'proceed')) throw new StreamError('policy-violation', 'the server refused TLS');
  await transport.startTls();
}

async function signIn(
  features: XmlElement,
  transport: Transport,
  options: ClientStreamOptions,
  send: Send,
  next: Next,
): Promise<void> {
  const { mechanism, exchange } = beginSasl(features, {
    credentials: options.credentials,
    bindings: transport.bindings,
    isSecure: transport.isSecure,
    ...(options.mechanisms === undefined ? {} : { only: options.mechanisms }),
  });
  send(el(NS.sasl, 'auth', { mechanism }, saslText(exchange.start())));
  for (;;) {
    const said = await next();
    if (isElement(said, NS.sasl, 'failure')) throw readSaslFailure(said);
    const data = fromSaslText(textOf(said).trim());
    if (isElement(said, NS.sasl, 'success')) {
      exchange.finish(data ?? null);
      transport.restart();
      return;
    }
    if (!isElement(said, NS.sasl, 'challenge')) throw new StreamError('bad-format', 'the server did not sign us in');
    send(el(NS.sasl, 'response', {}, saslText(await exchange.respond(data ?? Buffer.alloc(0)))));
  }
}

async function bind(resource: string | undefined, send: Send, next: Next): Promise<Jid> {
  const inside = resource === undefined ? [] : [el(NS.bind, 'resource', {}, resource)];
  send(el(NS.client, 'iq', { type: 'set', id: 'bind' }, el(NS.bind, 'bind', {}, ...inside)));
  const answer = await next();
  if (attribute(answer, 'type') === 'error') throw readStanzaError(answer);
  const bound = element(answer, 'bind', NS.bind);
  const jid = bound === undefined ? undefined : element(bound, 'jid', NS.bind);
  if (jid === undefined) throw new StreamError('bad-format', 'the server bound no resource');
  return parseJid(textOf(jid));
}
