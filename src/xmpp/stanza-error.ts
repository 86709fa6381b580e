import { type ErrorKind, ImpError } from '../platform/errors.ts';
import { attribute, element, elements, textOf, type XmlElement } from '../xml/element.ts';
import { el, withAttributes } from './elements.ts';
import { NS } from './namespaces.ts';

/** RFC 6120 8.3.2. */
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** RFC 6120 8.3.3: each condition, with the type that belongs to it and the kind of our errors that it stands for. */
export const STANZA_CONDITIONS = {
  'bad-request': ['modify', 'invalid'],
  conflict: ['cancel', 'conflict'],
  'feature-not-implemented': ['cancel', 'invalid'],
  forbidden: ['auth', 'denied'],
  gone: ['cancel', 'not-found'],
  'internal-server-error': ['cancel', 'internal'],
  'item-not-found': ['cancel', 'not-found'],
  'jid-malformed': ['modify', 'invalid'],
  'not-acceptable': ['modify', 'invalid'],
  'not-allowed': ['cancel', 'denied'],
  'not-authorized': ['auth', 'denied'],
  'policy-violation': ['modify', 'denied'],
  'recipient-unavailable': ['wait', 'unavailable'],
  redirect: ['modify', 'not-found'],
  'registration-required': ['auth', 'denied'],
  'remote-server-not-found': ['cancel', 'not-found'],
  'remote-server-timeout': ['wait', 'unavailable'],
  'resource-constraint': ['wait', 'unavailable'],
  'service-unavailable': ['cancel', 'not-found'],
  'subscription-required': ['auth', 'denied'],
  'undefined-condition': ['cancel', 'internal'],
  'unexpected-request': ['wait', 'conflict'],
} as const satisfies Readonly<Record<string, readonly [StanzaErrorType, ErrorKind]>>;

export type StanzaCondition = keyof typeof STANZA_CONDITIONS;

/** What a kind of our errors is called when the thrower did not choose a condition. */
const CONDITION_OF_KIND: Readonly<Record<ErrorKind, StanzaCondition>> = {
  invalid: 'bad-request',
  denied: 'forbidden',
  'not-found': 'item-not-found',
  conflict: 'conflict',
  unavailable: 'resource-constraint',
  internal: 'internal-server-error',
};

export interface StanzaErrorOptions {
  readonly type?: StanzaErrorType;
  /** An application's own condition, beside the defined one. */
  readonly detail?: XmlElement;
  /** Who says so (RFC 6120 8.3.1 `by`). */
  readonly by?: string;
  /** The text of the condition element: where `gone` and `redirect` point (RFC 6120 8.3.3.5, 8.3.3.14). */
  readonly address?: string;
  readonly cause?: unknown;
}

/** A refusal that names its own condition. Handlers may throw any ImpError; this one where the condition matters. */
export class StanzaError extends ImpError {
  override readonly name = 'StanzaError';
  readonly condition: StanzaCondition;
  readonly type: StanzaErrorType;
  readonly detail: XmlElement | undefined;
  readonly by: string | undefined;
  readonly address: string | undefined;

  constructor(condition: StanzaCondition, message: string, options: StanzaErrorOptions = {}) {
    const [type, kind] = STANZA_CONDITIONS[condition];
    super(
      kind,
      `xmpp.stanza.${condition}`,
      message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.condition = condition;
    this.type = options.type ?? type;
    this.detail = options.detail;
    this.by = options.by;
    this.address = options.address;
  }
}

/** Any failure as a stanza error. What is our fault keeps its message from the caller. */
export function toStanzaError(error: unknown): StanzaError {
  if (error instanceof StanzaError) return error;
  if (!(error instanceof ImpError)) return new StanzaError('internal-server-error', '', { cause: error });
  const condition = error.code === 'xmpp.jid-malformed' ? 'jid-malformed' : CONDITION_OF_KIND[error.kind];
  return new StanzaError(condition, error.kind === 'internal' ? '' : error.message, { cause: error });
}

/** The `<error/>` child. */
export function writeStanzaError(error: StanzaError): XmlElement {
  return el(
    NS.client,
    'error',
    { type: error.type, by: error.by },
    el(NS.stanzaErrors, error.condition, {}, ...(error.address === undefined ? [] : [error.address])),
    ...(error.message === '' ? [] : [el(NS.stanzaErrors, 'text', { 'xml:lang': 'en' }, error.message)]),
    ...(error.detail === undefined ? [] : [error.detail]),
  );
}

/**
 * The stanza that answers `stanza` with an error, addresses turned; undefined when none may be sent, because the stanza
 * is itself an answer (RFC 6120 8.3.1, 8.2.3). The payload is not repeated.
 */
export function errorReply(stanza: XmlElement, error: StanzaError): XmlElement | undefined {
  const type = attribute(stanza, 'type');
  if (type === 'error' || (stanza.local === 'iq' && type === 'result')) return undefined;
  return withAttributes(el(stanza.uri, stanza.local, {}, writeStanzaError(error)), {
    type: 'error',
    id: attribute(stanza, 'id'),
    from: attribute(stanza, 'to'),
    to: attribute(stanza, 'from'),
  });
}

/** Reads the error of a stanza of type `error`; an unknown condition is `undefined-condition`. */
export function readStanzaError(stanza: XmlElement): StanzaError {
  const error = element(stanza, 'error', stanza.uri);
  if (error === undefined) return new StanzaError('undefined-condition', 'the error has no reason');
  const said = elements(error, undefined, NS.stanzaErrors);
  const named = said.find((each) => Object.hasOwn(STANZA_CONDITIONS, each.local));
  const text = said.find((each) => each.local === 'text');
  const detail = elements(error).find((each) => each.uri !== NS.stanzaErrors);
  const type = attribute(error, 'type');
  const by = attribute(error, 'by');
  const address = named === undefined ? '' : textOf(named);
  return new StanzaError(
    (named?.local ?? 'undefined-condition') as StanzaCondition,
    text === undefined ? '' : textOf(text),
    {
      ...(isErrorType(type) ? { type } : {}),
      ...(detail === undefined ? {} : { detail }),
      ...(by === undefined ? {} : { by }),
      ...(address === '' ? {} : { address }),
    },
  );
}

function isErrorType(type: string | undefined): type is StanzaErrorType {
  return type === 'auth' || type === 'cancel' || type === 'continue' || type === 'modify' || type === 'wait';
}
