import { randomBytes } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { XmlElement } from '../../xml/element.ts';
import type { Jid } from '../jid.ts';
import { toSaslError } from '../sasl/sasl-error.ts';
import type { SaslServerExchange } from '../sasl/server-exchange.ts';
import type { SaslServer } from '../sasl/server-mechanisms.ts';
import { toStanzaError } from '../stanza-error.ts';
import { StreamError, toStreamError, writeStreamError } from '../stream-error.ts';
import type { StreamManagementElement } from '../stream-management.ts';
import type { Transport } from '../transport.ts';
import { negotiate, newNegotiation } from './negotiation.ts';
import type { NegotiationEffect, NegotiationEvent, NegotiationPolicy } from './negotiation-types.ts';

/** How a stream came to its end. */
export interface StreamEnd {
  /** The other side said good-bye: its session is over. Otherwise it may want to resume it. */
  readonly isOrderly: boolean;
  /** What we sent as the reason, or what went wrong; its cause is worth a log line when its kind is `internal`. */
  readonly error: StreamError | null;
}

/** What the owner of a stream does. What it throws becomes the protocol's own answer. */
export interface ServerStreamOwner {
  /** What is offered on this connection; asked anew when TLS has come up. */
  sasl(stream: ServerStream): SaslServer;
  /** What is offered beside binding; asked when the user is known. */
  sessionFeatures(stream: ServerStream): readonly XmlElement[];
  /** Gives the user a resource. @throws StanzaError, or StreamError such as `seeOtherHost` */
  bind(user: Jid, resource: string | null, stream: ServerStream): Promise<Jid>;
  /**
   * Takes an earlier session over to this stream. Absent: not offered.
   * @throws StanzaError, mostly `item-not-found`
   */
  resume?(
    user: Jid,
    session: { readonly id: string; readonly handled: number },
    stream: ServerStream,
  ): Promise<{ readonly jid: Jid; readonly handled: number }>;
  /** The session is there, and the client has been told. */
  established(jid: Jid, isResumed: boolean, stream: ServerStream): void;
  /** A stanza of the session; its sender has been written by us (not on a link between servers). */
  stanza(element: XmlElement, stream: ServerStream): void;
  /** An element of XEP-0198, other than resumption. */
  management(said: StreamManagementElement, stream: ServerStream): void;
  /** Somebody looks at the client, or nobody does (XEP-0352). */
  clientState?(isActive: boolean, stream: ServerStream): void;
  /**
   * Once, last, whatever became of the stream; no look-up is under way any more. A stream may close between `bind` and
   * `established`.
   */
  closed(end: StreamEnd, stream: ServerStream): void;
}

export interface ServerStreamOptions {
  readonly policy: Pick<NegotiationPolicy, 'kind' | 'hosts' | 'offersTls' | 'requiresTls' | 'maxFailures'>;
  readonly clock: Clock;
  /** Until there is a session; then the stream is ended with `connection-timeout`. */
  readonly negotiationMs: number;
  /** Bytes of a stanza once somebody is signed in. */
  readonly stanzaBytes: number;
}

/** One stream that somebody opened to us. */
export interface ServerStream {
  readonly transport: Transport;
  readonly isSecure: boolean;
  readonly domain: string | null;
  readonly user: Jid | null;
  readonly jid: Jid | null;
  /** False when the other side is slow. */
  send(element: XmlElement): boolean;
  /** Holds the other side back until `resume` was called as often: several may hold at once. */
  pause(): void;
  resume(): void;
  /** Ends the stream, with a reason or without. */
  end(error?: StreamError): void;
}

/** Runs the negotiation of a stream on its transport, and carries its stanzas. */
export function serveStream(
  transport: Transport,
  owner: ServerStreamOwner,
  options: ServerStreamOptions,
): ServerStream {
  let state = newNegotiation(transport.isSecure);
  let sasl: SaslServer | undefined;
  let exchange: SaslServerExchange | undefined;
  let isWaiting = false;
  /** How often it was paused and not resumed. */
  let holds = 0;
  let isOrderly = false;
  let isGone = false;
  let isClosed = false;
  let reason: StreamError | null = null;

  const policy: NegotiationPolicy = {
    ...options.policy,
    get saslFeatures() {
      sasl = owner.sasl(stream);
      return sasl.features;
    },
    get sessionFeatures() {
      return owner.sessionFeatures(stream);
    },
  };

  const dispatch = (event: NegotiationEvent): void => {
    const step = negotiate(state, event, policy);
    state = step.state;
    for (const effect of step.effects) perform(effect);
  };

  /** Reads nothing until the look-up has answered with an event. */
  const wait = (work: () => Promise<NegotiationEvent>): void => {
    isWaiting = true;
    transport.pause();
    void work()
      .catch((error: unknown): NegotiationEvent => ({ kind: 'failed', error: toStreamError(error) }))
      .then((event) => {
        isWaiting = false;
        if (isGone) return finish();
        try {
          dispatch(event);
        } catch (error) {
          dispatch({ kind: 'failed', error: toStreamError(error) });
        }
        if (holds === 0 && !isWaiting && state.phase !== 'ended') transport.resume();
      });
  };

  const signIn = (answer: () => Promise<NegotiationEvent>): void =>
    wait(() =>
      answer().catch((error: unknown): NegotiationEvent => ({ kind: 'sasl-failure', error: toSaslError(error) })),
    );

  const respond = async (data: Buffer): Promise<NegotiationEvent> => {
    if (exchange === undefined) throw new StreamError('internal-server-error');
    const step = await exchange.respond(data);
    if (step.kind === 'challenge') return { kind: 'sasl-challenge', data: step.data };
    transport.setLimit(options.stanzaBytes);
    return { kind: 'sasl-success', user: step.user, data: step.data };
  };

  const perform = (effect: NegotiationEffect): void => {
    switch (effect.do) {
      case 'open':
        transport.send(transport.framing.open(effect.header));
        return;
      case 'send':
        stream.send(effect.element);
        return;
      case 'restart':
        transport.restart();
        return;
      case 'start-tls':
        wait(async () => {
          await transport.startTls();
          return { kind: 'tls-started' };
        });
        return;
      case 'sasl-begin': {
        const { mechanism, data } = effect;
        signIn(async () => {
          exchange = (sasl ?? owner.sasl(stream)).begin(mechanism);
          return data === null ? { kind: 'sasl-challenge', data: Buffer.alloc(0) } : respond(data);
        });
        return;
      }
      case 'sasl-respond':
        signIn(() => respond(effect.data));
        return;
      case 'bind':
        wait(() => bind(effect.user, effect.resource, effect.request));
        return;
      case 'resume':
        wait(() => resume(effect.user, effect.id, effect.handled));
        return;
      case 'established':
        patience[Symbol.dispose]();
        owner.established(effect.jid, effect.isResumed, stream);
        return;
      case 'stanza':
        owner.stanza(effect.element, stream);
        return;
      case 'management':
        owner.management(effect.said, stream);
        return;
      case 'client-state':
        owner.clientState?.(effect.isActive, stream);
        return;
      case 'end':
        reason ??= effect.error;
        if (effect.error !== null) stream.send(writeStreamError(effect.error));
        transport.end(transport.framing.close());
        return;
    }
  };

  const bind = async (user: Jid, resource: string | null, request: XmlElement): Promise<NegotiationEvent> => {
    const requestId = request.attributes.find(({ local, uri }) => local === 'id' && uri === '')?.value ?? '';
    try {
      return { kind: 'bound', requestId, jid: await owner.bind(user, resource, stream) };
    } catch (error) {
      if (error instanceof StreamError) throw error;
      return { kind: 'bind-refused', request, error: toStanzaError(error) };
    }
  };

  const resume = async (user: Jid, id: string, handled: number): Promise<NegotiationEvent> => {
    if (owner.resume === undefined)
      return { kind: 'resume-refused', condition: 'feature-not-implemented', handled: null };
    try {
      return { kind: 'resumed', id, ...(await owner.resume(user, { id, handled }, stream)) };
    } catch (error) {
      if (error instanceof StreamError) throw error;
      return { kind: 'resume-refused', condition: toStanzaError(error).condition, handled: null };
    }
  };

  const finish = (): void => {
    if (isClosed || isWaiting) return;
    isClosed = true;
    patience[Symbol.dispose]();
    state = { ...state, phase: 'ended' };
    owner.closed({ isOrderly, error: reason }, stream);
  };

  const stream: ServerStream = {
    transport,
    get isSecure() {
      return state.isSecure;
    },
    get domain() {
      return state.domain;
    },
    get user() {
      return state.user;
    },
    get jid() {
      return state.jid;
    },
    send: (element) => transport.send(transport.framing.element(element)),
    pause() {
      holds += 1;
      transport.pause();
    },
    resume() {
      holds = Math.max(0, holds - 1);
      if (holds === 0 && !isWaiting) transport.resume();
    },
    end(error) {
      dispatch(error === undefined ? { kind: 'closed' } : { kind: 'failed', error });
    },
  };

  const patience = options.clock.schedule(options.negotiationMs, () => {
    stream.end(new StreamError('connection-timeout', 'nobody signed in in time'));
  });

  transport.listen({
    opened: (header) => dispatch({ kind: 'opened', header, streamId: randomBytes(12).toString('base64url') }),
    element: (element) => dispatch({ kind: 'element', element }),
    closed() {
      isOrderly = true;
      dispatch({ kind: 'closed' });
    },
    failed: (error) => dispatch({ kind: 'failed', error: toStreamError(error) }),
    gone() {
      isGone = true;
      finish();
    },
  });
  return stream;
}
