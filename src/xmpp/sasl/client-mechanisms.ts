import { attribute, element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import type { Jid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import type { ChannelBindings, ChannelBindingType } from './channel-binding.ts';
import type { SaslClientExchange } from './client-exchange.ts';
import { plainMessage } from './plain.ts';
import { SaslError } from './sasl-error.ts';
import type { ScramHash } from './scram.ts';
import { scramClient } from './scram-client.ts';
import { MECHANISMS, type Mechanism } from './server-mechanisms.ts';
import { vtgTokenMessage } from './vtg-token.ts';

/** How a client signs in. */
export type SaslCredentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly user: Jid; readonly token: string }
  | { readonly kind: 'certificate'; readonly authzid: string | null };

export interface SaslClientOptions {
  readonly credentials: SaslCredentials;
  readonly bindings: ChannelBindings;
  /** Whether the connection is encrypted: a password or token is never sent in the clear. */
  readonly isSecure: boolean;
  /** Only these are used; absent: whatever is strongest. */
  readonly only?: readonly Mechanism[];
}

const OF_KIND: Readonly<Record<SaslCredentials['kind'], readonly Mechanism[]>> = {
  password: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'],
  token: ['CISCO-VTG-TOKEN'],
  certificate: ['EXTERNAL'],
};

/** Chooses the strongest mechanism of the features and begins it. @throws SaslError `invalid-mechanism` */
export function beginSasl(
  features: XmlElement,
  options: SaslClientOptions,
): { readonly mechanism: Mechanism; readonly exchange: SaslClientExchange } {
  const list = element(features, 'mechanisms', NS.sasl);
  const offered = new Set((list === undefined ? [] : elements(list, 'mechanism', NS.sasl)).map(textOf));
  const binding = bindingOf(features, options.bindings);
  const mechanism = MECHANISMS.find(
    (name) =>
      offered.has(name) &&
      OF_KIND[options.credentials.kind].includes(name) &&
      (options.only?.includes(name) ?? true) &&
      (!name.endsWith('-PLUS') || binding !== null) &&
      (options.isSecure || name.startsWith('SCRAM-')),
  );
  if (mechanism === undefined) throw new SaslError('invalid-mechanism', 'no mechanism of the server can be used');
  const wasPlusOffered = [...offered].some((name) => name.endsWith('-PLUS'));
  return { mechanism, exchange: exchangeOf(mechanism, options, binding, wasPlusOffered) };
}

/** The first type of ours that the server offers (XEP-0440); without a list, the one that servers have. */
function bindingOf(features: XmlElement, bindings: ChannelBindings): ChannelBindingType | null {
  const list = element(features, 'sasl-channel-binding', NS.saslChannelBinding);
  const types =
    list === undefined ? undefined : elements(list, 'channel-binding').map((each) => attribute(each, 'type'));
  return [...bindings.keys()].find((type) => types?.includes(type) ?? true) ?? null;
}

function exchangeOf(
  mechanism: Mechanism,
  { credentials, bindings }: SaslClientOptions,
  binding: ChannelBindingType | null,
  wasPlusOffered: boolean,
): SaslClientExchange {
  switch (credentials.kind) {
    case 'token':
      return oneMessage(vtgTokenMessage(credentials.user, credentials.token));
    case 'certificate':
      return oneMessage(Buffer.from(credentials.authzid ?? ''));
    case 'password': {
      const { username, password } = credentials;
      if (mechanism === 'PLAIN') return oneMessage(plainMessage(username, password));
      const hash: ScramHash = mechanism.startsWith('SCRAM-SHA-256') ? 'SHA-256' : 'SHA-1';
      const isPlus = mechanism.endsWith('-PLUS');
      // "We could bind" may only be said to a server that did not offer it.
      const known: ChannelBindings = isPlus || !wasPlusOffered ? bindings : new Map();
      return scramClient({ hash, username, password, bindings: known, binding: isPlus ? binding : null });
    }
  }
}

/** A mechanism that says all in its first message. */
function oneMessage(message: Buffer): SaslClientExchange {
  return {
    start: () => message,
    respond() {
      throw new SaslError('not-authorized', 'the server asks what the mechanism does not have');
    },
    finish: () => undefined,
  };
}
