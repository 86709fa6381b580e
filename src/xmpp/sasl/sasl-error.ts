import { type ErrorKind, ImpError } from '../../platform/errors.ts';
import { element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { el } from '../elements.ts';
import { NS } from '../namespaces.ts';

/** RFC 6120 6.5, with the kind of our errors that each stands for. */
export const SASL_CONDITIONS = {
  aborted: 'conflict',
  'account-disabled': 'denied',
  'credentials-expired': 'denied',
  'encryption-required': 'denied',
  'incorrect-encoding': 'invalid',
  'invalid-authzid': 'denied',
  'invalid-mechanism': 'invalid',
  'malformed-request': 'invalid',
  'mechanism-too-weak': 'denied',
  'not-authorized': 'denied',
  'temporary-auth-failure': 'unavailable',
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type SaslCondition = keyof typeof SASL_CONDITIONS;

/** A sign-in failed. What the message says is sent: it never tells which of name and password was wrong. */
export class SaslError extends ImpError {
  override readonly name = 'SaslError';
  readonly condition: SaslCondition;
  constructor(condition: SaslCondition, message = '', options?: { cause?: unknown }) {
    super(SASL_CONDITIONS[condition], `xmpp.sasl.${condition}`, message, options);
    this.condition = condition;
  }
}

/** Any failure of a look-up as a failure of the sign-in; the other side learns no more than it must. */
export function toSaslError(error: unknown): SaslError {
  if (error instanceof SaslError) return error;
  const kind = error instanceof ImpError ? error.kind : 'internal';
  if (kind === 'denied' || kind === 'not-found') return new SaslError('not-authorized', '', { cause: error });
  if (kind === 'invalid') return new SaslError('malformed-request', '', { cause: error });
  return new SaslError('temporary-auth-failure', '', { cause: error });
}

export function writeSaslFailure(error: SaslError): XmlElement {
  return el(
    NS.sasl,
    'failure',
    {},
    el(NS.sasl, error.condition),
    ...(error.message === '' ? [] : [el(NS.sasl, 'text', { 'xml:lang': 'en' }, error.message)]),
  );
}

/** Reads a `<failure/>`; an unknown condition is `not-authorized`. */
export function readSaslFailure(failure: XmlElement): SaslError {
  const named = elements(failure, undefined, NS.sasl).find((each) => Object.hasOwn(SASL_CONDITIONS, each.local));
  const text = element(failure, 'text', NS.sasl);
  return new SaslError((named?.local ?? 'not-authorized') as SaslCondition, text === undefined ? '' : textOf(text));
}
