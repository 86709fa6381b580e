import { attribute, element, textOf, type XmlElement } from '../../xml/element.ts';
import { childText, el, isElement } from '../elements.ts';
import { XmppError } from '../errors.ts';
import { type Jid, tryParseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { fromSaslText, saslText } from '../sasl/base64.ts';
import { SaslError, writeSaslFailure } from '../sasl/sasl-error.ts';
import { addressed, stanzaKindOf } from '../stanza.ts';
import { errorReply, StanzaError } from '../stanza-error.ts';
import { StreamError, toStreamError } from '../stream-error.ts';
import { readStreamManagement, smFailed, smResumed } from '../stream-management.ts';
import type {
  NegotiationEffect,
  NegotiationEvent,
  NegotiationPolicy,
  NegotiationState,
  NegotiationStep,
} from './negotiation-types.ts';
import { answerOpening, canSignIn } from './opening.ts';

/** A stream on which nothing was said yet; `isSecure` for direct TLS (XEP-0368) and secure WebSockets. */
export function newNegotiation(isSecure: boolean): NegotiationState {
  return { phase: 'opening', isSecure, domain: null, user: null, jid: null, failures: 0 };
}

/**
 * The server's side of a stream from its opening to its session and on, without I/O: (state, event) → (state, effects).
 * Look-ups (SASL, binding, resumption) are effects, whose answers come back as events.
 */
export function negotiate(
  state: NegotiationState,
  event: NegotiationEvent,
  policy: NegotiationPolicy,
): NegotiationStep {
  if (state.phase === 'ended') return { state, effects: [] };
  try {
    return step(state, event, policy);
  } catch (error) {
    return end(state, toStreamError(error));
  }
}

function step(state: NegotiationState, event: NegotiationEvent, policy: NegotiationPolicy): NegotiationStep {
  switch (event.kind) {
    case 'opened':
      if (state.phase !== 'opening') throw new StreamError('bad-format', 'the stream is open already');
      return answerOpening(state, event.header, event.streamId, policy);
    case 'element':
      return heard(state, event.element, policy);
    case 'closed':
      return end(state, null);
    case 'failed':
      return end(state, event.error);
    case 'tls-started':
      return { state: { ...state, phase: 'opening', isSecure: true }, effects: [] };
    case 'sasl-challenge':
      return next(state, send(el(NS.sasl, 'challenge', {}, saslText(event.data))));
    case 'sasl-success': {
      const success = el(NS.sasl, 'success', {}, ...(event.data === null ? [] : [saslText(event.data)]));
      return next({ ...state, phase: 'opening', user: event.user }, send(success), { do: 'restart' });
    }
    case 'sasl-failure':
      return signInFailed(state, event.error, policy);
    case 'bound': {
      const bind = el(NS.bind, 'bind', {}, el(NS.bind, 'jid', {}, event.jid.full));
      const result = el(NS.client, 'iq', { type: 'result', id: event.requestId }, bind);
      return established(state, event.jid, false, send(result));
    }
    case 'bind-refused': {
      const reply = errorReply(event.request, event.error);
      return next({ ...state, phase: 'negotiating' }, ...(reply === undefined ? [] : [send(reply)]));
    }
    case 'resumed':
      return established(state, event.jid, true, send(smResumed(event.id, event.handled)));
    case 'resume-refused':
      return next({ ...state, phase: 'negotiating' }, send(smFailed(event.condition, event.handled)));
  }
}

function heard(state: NegotiationState, said: XmlElement, policy: NegotiationPolicy): NegotiationStep {
  switch (state.phase) {
    case 'established':
      return heardInSession(state, said, policy);
    case 'signing-in':
      return heardInExchange(state, said, policy);
    case 'negotiating':
      return state.user === null ? heardBeforeSignIn(state, said, policy) : heardBeforeBinding(state, state.user, said);
    default:
      throw new StreamError('policy-violation', 'the stream was not ready for that');
  }
}

function heardBeforeSignIn(state: NegotiationState, said: XmlElement, policy: NegotiationPolicy): NegotiationStep {
  if (isElement(said, NS.tls, 'starttls')) {
    // RFC 6120 5.4.2.2: a refusal ends the stream.
    if (!policy.offersTls || state.isSecure)
      return next(state, send(el(NS.tls, 'failure')), ...end(state, null).effects);
    return next({ ...state, phase: 'starting-tls' }, send(el(NS.tls, 'proceed')), { do: 'start-tls' });
  }
  if (isElement(said, NS.sasl, 'auth')) return signIn(state, said, policy);
  if (stanzaKindOf(said) !== undefined) throw new StreamError('not-authorized', 'nobody has signed in');
  throw new StreamError('unsupported-stanza-type', 'the element is not known here');
}

function signIn(state: NegotiationState, auth: XmlElement, policy: NegotiationPolicy): NegotiationStep {
  if (!canSignIn(state, policy)) return signInFailed(state, new SaslError('encryption-required'), policy);
  const mechanism = attribute(auth, 'mechanism');
  if (mechanism === undefined) return signInFailed(state, new SaslError('invalid-mechanism'), policy);
  return withData(state, auth, policy, (data) =>
    data === undefined
      ? // RFC 6120 6.3.10: the client waits for an empty challenge before it says more.
        next({ ...state, phase: 'signing-in' }, { do: 'sasl-begin', mechanism, data: null })
      : next({ ...state, phase: 'signing-in' }, { do: 'sasl-begin', mechanism, data }),
  );
}

function heardInExchange(state: NegotiationState, said: XmlElement, policy: NegotiationPolicy): NegotiationStep {
  if (isElement(said, NS.sasl, 'abort')) return signInFailed(state, new SaslError('aborted'), policy);
  if (isElement(said, NS.sasl, 'response')) {
    return withData(state, said, policy, (data) => next(state, { do: 'sasl-respond', data: data ?? Buffer.alloc(0) }));
  }
  if (stanzaKindOf(said) !== undefined) throw new StreamError('not-authorized', 'nobody has signed in');
  return signInFailed(state, new SaslError('malformed-request'), policy);
}

function withData(
  state: NegotiationState,
  said: XmlElement,
  policy: NegotiationPolicy,
  proceed: (data: Buffer | undefined) => NegotiationStep,
): NegotiationStep {
  try {
    return proceed(fromSaslText(textOf(said).trim()));
  } catch (error) {
    if (!(error instanceof XmppError)) throw error;
    return signInFailed(state, new SaslError('incorrect-encoding'), policy);
  }
}

function signInFailed(state: NegotiationState, error: SaslError, policy: NegotiationPolicy): NegotiationStep {
  const failures = state.failures + 1;
  const after: NegotiationState = { ...state, phase: 'negotiating', failures };
  const failure = send(writeSaslFailure(error));
  if (failures < policy.maxFailures) return next(after, failure);
  const ended = end(after, new StreamError('policy-violation', 'too many failed sign-ins'));
  return { state: ended.state, effects: [failure, ...ended.effects] };
}

function heardBeforeBinding(state: NegotiationState, user: Jid, said: XmlElement): NegotiationStep {
  const managed = readStreamManagement(said);
  if (managed?.kind === 'resume') {
    return next({ ...state, phase: 'resuming' }, { do: 'resume', user, id: managed.id, handled: managed.handled });
  }
  if (managed !== undefined) return next(state, send(smFailed('unexpected-request')));
  const bind = element(said, 'bind', NS.bind);
  if (stanzaKindOf(said) === 'iq' && bind !== undefined) {
    if (attribute(said, 'type') !== 'set' || attribute(said, 'id') === undefined) {
      const reply = errorReply(said, new StanzaError('bad-request', 'a resource is bound by an iq of type set'));
      return next(state, ...(reply === undefined ? [] : [send(reply)]));
    }
    const resource = childText(bind, 'resource') ?? '';
    const effect = { do: 'bind', request: said, user, resource: resource === '' ? null : resource } as const;
    return next({ ...state, phase: 'binding' }, effect);
  }
  // RFC 6120 7.1: nothing but binding is done before there is a resource.
  throw new StreamError('not-authorized', 'no resource is bound');
}

function heardInSession(state: NegotiationState, said: XmlElement, policy: NegotiationPolicy): NegotiationStep {
  const kind = stanzaKindOf(said);
  if (kind !== undefined) {
    if (policy.kind === 'server' || state.jid === null) return next(state, { do: 'stanza', element: said });
    const reply = kind === 'iq' ? answerToOldIq(state, said) : undefined;
    if (reply !== undefined) return next(state, send(reply));
    return next(state, { do: 'stanza', element: stamped(said, state.jid) });
  }
  const managed = readStreamManagement(said);
  if (managed?.kind === 'resume') return next(state, send(smFailed('unexpected-request')));
  if (managed !== undefined) return next(state, { do: 'management', said: managed });
  if (said.uri === NS.clientState && (said.local === 'active' || said.local === 'inactive')) {
    return next(state, { do: 'client-state', isActive: said.local === 'active' });
  }
  throw new StreamError('unsupported-stanza-type', 'the element is neither a stanza nor known here');
}

/** RFC 3921's session is there with the resource; a second resource is not had on one stream (RFC 6120 7.1). */
function answerToOldIq(state: NegotiationState, said: XmlElement): XmlElement | undefined {
  const to = attribute(said, 'to');
  if (attribute(said, 'type') !== 'set' || (to !== undefined && to !== state.domain)) return undefined;
  if (element(said, 'session', NS.session) !== undefined) {
    return el(NS.client, 'iq', { type: 'result', id: attribute(said, 'id') });
  }
  if (element(said, 'bind', NS.bind) === undefined) return undefined;
  return errorReply(said, new StanzaError('not-allowed', 'a resource is bound already'));
}

/** RFC 6120 8.1.2.1: the server says who sent it; a client that names another is cut off. */
function stamped(said: XmlElement, jid: Jid): XmlElement {
  const from = attribute(said, 'from');
  if (from !== undefined && from !== jid.full) {
    const claimed = tryParseJid(from);
    if (claimed?.full !== jid.full && claimed?.full !== jid.bare) {
      throw new StreamError('invalid-from', 'the stanza names another sender');
    }
  }
  return addressed(said, { from: jid });
}

function established(
  state: NegotiationState,
  jid: Jid,
  isResumed: boolean,
  answer: NegotiationEffect,
): NegotiationStep {
  return next({ ...state, phase: 'established', jid }, answer, { do: 'established', jid, isResumed });
}

function send(said: XmlElement): NegotiationEffect {
  return { do: 'send', element: said };
}

function next(state: NegotiationState, ...effects: readonly NegotiationEffect[]): NegotiationStep {
  const last = effects.at(-1);
  return { state: last?.do === 'end' ? { ...state, phase: 'ended' } : state, effects };
}

function end(state: NegotiationState, error: StreamError | null): NegotiationStep {
  // Before our own header is sent, an error needs one (RFC 6120 4.9.1.2).
  const opening: readonly NegotiationEffect[] =
    error !== null && state.phase === 'opening'
      ? [{ do: 'open', header: { from: state.domain, to: null, id: null, version: '1.0', lang: 'en' } }]
      : [];
  return { state: { ...state, phase: 'ended' }, effects: [...opening, { do: 'end', error }] };
}
