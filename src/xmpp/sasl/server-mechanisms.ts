import type { XmlElement } from '../../xml/element.ts';
import { el } from '../elements.ts';
import { NS } from '../namespaces.ts';
import { type ChannelBindings, NO_CHANNEL_BINDINGS } from './channel-binding.ts';
import { type CertificateUser, externalServer } from './external.ts';
import { type CheckPassword, plainServer } from './plain.ts';
import { SaslError } from './sasl-error.ts';
import type { ScramHash } from './scram.ts';
import { type FindScramKeys, type ScramServerOptions, scramServer } from './scram-server.ts';
import type { SaslServerExchange } from './server-exchange.ts';
import { type RedeemToken, vtgTokenServer } from './vtg-token.ts';

export const MECHANISMS = [
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'EXTERNAL',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'CISCO-VTG-TOKEN',
  'PLAIN',
] as const;
export type Mechanism = (typeof MECHANISMS)[number];

/** Look-ups of the Authentication Service. What is absent is not offered. */
export interface SaslServerNeeds {
  readonly checkPassword?: CheckPassword;
  readonly scram?: { readonly findKeys: FindScramKeys; readonly disguise: ScramServerOptions['disguise'] };
  readonly redeemToken?: RedeemToken;
  /** Present when the connection showed a certificate that we trust. */
  readonly certificateUser?: CertificateUser;
}

/** What is offered on one connection, strongest first, and the exchanges that it begins. */
export interface SaslServer {
  readonly mechanisms: readonly Mechanism[];
  /** The children of stream features: `mechanisms`, and the binding types of XEP-0440. */
  readonly features: readonly XmlElement[];
  /** @throws SaslError `invalid-mechanism` */
  begin(mechanism: string): SaslServerExchange;
}

/** `hostNames`: home and backup node, which Cisco's browser library reads from the list of mechanisms. */
export function createSaslServer(
  needs: SaslServerNeeds,
  bindings: ChannelBindings = NO_CHANNEL_BINDINGS,
  hostNames: readonly string[] = [],
): SaslServer {
  const { checkPassword, scram, redeemToken, certificateUser } = needs;
  const wasPlusOffered = scram !== undefined && bindings.size > 0;
  const makers = new Map<Mechanism, () => SaslServerExchange>();
  const addScram = (name: Mechanism, hash: ScramHash, isPlus: boolean): void => {
    if (scram === undefined || (isPlus && bindings.size === 0)) return;
    makers.set(name, () => scramServer({ ...scram, hash, isPlus, bindings, wasPlusOffered }));
  };
  addScram('SCRAM-SHA-256-PLUS', 'SHA-256', true);
  addScram('SCRAM-SHA-1-PLUS', 'SHA-1', true);
  if (certificateUser !== undefined) makers.set('EXTERNAL', () => externalServer(certificateUser));
  addScram('SCRAM-SHA-256', 'SHA-256', false);
  addScram('SCRAM-SHA-1', 'SHA-1', false);
  if (redeemToken !== undefined) makers.set('CISCO-VTG-TOKEN', () => vtgTokenServer(redeemToken));
  if (checkPassword !== undefined) makers.set('PLAIN', () => plainServer(checkPassword));
  const mechanisms = [...makers.keys()];
  return {
    mechanisms,
    features: featuresOf(mechanisms, wasPlusOffered ? bindings : NO_CHANNEL_BINDINGS, hostNames),
    begin(mechanism) {
      const make = makers.get(mechanism as Mechanism);
      if (make === undefined) throw new SaslError('invalid-mechanism', 'the mechanism is not offered');
      return make();
    },
  };
}

function featuresOf(
  mechanisms: readonly Mechanism[],
  bindings: ChannelBindings,
  hostNames: readonly string[],
): readonly XmlElement[] {
  if (mechanisms.length === 0) return [];
  const offered = el(
    NS.sasl,
    'mechanisms',
    {},
    ...mechanisms.map((name) => el(NS.sasl, 'mechanism', {}, name)),
    ...hostNames.map((name) => el(NS.domainBasedName, 'hostname', { mechanism: 'CISCO-VTG-TOKEN' }, name)),
  );
  if (bindings.size === 0) return [offered];
  const types = [...bindings.keys()].map((type) => el(NS.saslChannelBinding, 'channel-binding', { type }));
  return [offered, el(NS.saslChannelBinding, 'sasl-channel-binding', {}, ...types)];
}
