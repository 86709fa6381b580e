import type { XmlElement } from '../../xml/element.ts';
import { prepareDomain } from '../domain.ts';
import { el } from '../elements.ts';
import { XmppError } from '../errors.ts';
import { tryParseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { StreamError } from '../stream-error.ts';
import { isVersionOne, type StreamHeader } from '../stream-header.ts';
import type { NegotiationPolicy, NegotiationState, NegotiationStep } from './negotiation-types.ts';

/**
 * Answers the opening of a stream: always with a header of our own, also before an error (RFC 6120 4.9.1.2), then with
 * what can be negotiated next (RFC 6120 4.3.2).
 */
export function answerOpening(
  state: NegotiationState,
  header: StreamHeader,
  streamId: string,
  policy: NegotiationPolicy,
): NegotiationStep {
  const domain = domainOf(header);
  const error = complaintOf(state, header, domain, policy);
  const known = domain !== undefined && policy.hosts(domain) ? domain : null;
  const answer: StreamHeader = {
    from: known,
    to: header.from,
    id: streamId,
    version: '1.0',
    lang: header.lang ?? 'en',
  };
  if (error !== undefined) {
    return {
      state: { ...state, phase: 'ended' },
      effects: [
        { do: 'open', header: { ...answer, to: null } },
        { do: 'end', error },
      ],
    };
  }
  const isDone = policy.kind === 'server' && state.user !== null;
  return {
    state: { ...state, domain: known, phase: isDone ? 'established' : 'negotiating', jid: isDone ? state.user : null },
    effects: [
      { do: 'open', header: answer },
      { do: 'send', element: el(NS.stream, 'features', {}, ...featuresOf(state, policy)) },
      ...(isDone && state.user !== null ? [{ do: 'established', jid: state.user, isResumed: false } as const] : []),
    ],
  };
}

function domainOf(header: StreamHeader): string | undefined {
  try {
    return header.to === null ? undefined : prepareDomain(header.to);
  } catch (error) {
    if (error instanceof XmppError) return undefined;
    throw error;
  }
}

function complaintOf(
  state: NegotiationState,
  header: StreamHeader,
  domain: string | undefined,
  policy: NegotiationPolicy,
): StreamError | undefined {
  if (domain === undefined || !policy.hosts(domain) || (state.user !== null && domain !== state.domain)) {
    return new StreamError('host-unknown', 'this domain is not served here');
  }
  if (!isVersionOne(header)) return new StreamError('unsupported-version', 'version 1.0 of XMPP is spoken here');
  if (header.from === null) return undefined;
  const from = tryParseJid(header.from);
  if (from === undefined) return new StreamError('improper-addressing', 'the address of the sender is malformed');
  // RFC 6120 4.7.1: once it is known who speaks, it may not name another.
  if (state.user !== null && from.bare !== state.user.bare) {
    return new StreamError('invalid-from', 'the stream is opened by somebody else than signed in');
  }
  return undefined;
}

/** RFC 6120 5.3.1, 6.3.3, 7.2; RFC 3921 for `session`, which old clients look for. */
function featuresOf(state: NegotiationState, policy: NegotiationPolicy): readonly XmlElement[] {
  if (state.user !== null) {
    if (policy.kind === 'server') return policy.sessionFeatures;
    return [el(NS.bind, 'bind'), el(NS.session, 'session', {}, el(NS.session, 'optional')), ...policy.sessionFeatures];
  }
  if (state.isSecure || !policy.offersTls) return canSignIn(state, policy) ? policy.saslFeatures : [];
  if (policy.requiresTls) return [el(NS.tls, 'starttls', {}, el(NS.tls, 'required'))];
  return [el(NS.tls, 'starttls'), ...policy.saslFeatures];
}

export function canSignIn(state: NegotiationState, policy: NegotiationPolicy): boolean {
  return state.isSecure || !policy.requiresTls;
}
