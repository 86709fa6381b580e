import { type ErrorKind, ImpError } from '../platform/errors.ts';
import { element, elements, textOf, type XmlElement } from '../xml/element.ts';
import { XmlError } from '../xml/errors.ts';
import { el } from './elements.ts';
import { NS } from './namespaces.ts';

/** RFC 6120 4.9.3, with the kind of our errors that each stands for. */
export const STREAM_CONDITIONS = {
  'bad-format': 'invalid',
  'bad-namespace-prefix': 'invalid',
  conflict: 'conflict',
  'connection-timeout': 'unavailable',
  'host-gone': 'not-found',
  'host-unknown': 'not-found',
  'improper-addressing': 'invalid',
  'internal-server-error': 'internal',
  'invalid-from': 'denied',
  'invalid-namespace': 'invalid',
  'invalid-xml': 'invalid',
  'not-authorized': 'denied',
  'not-well-formed': 'invalid',
  'policy-violation': 'denied',
  'remote-connection-failed': 'unavailable',
  reset: 'conflict',
  'resource-constraint': 'unavailable',
  'restricted-xml': 'invalid',
  'see-other-host': 'conflict',
  'system-shutdown': 'unavailable',
  'undefined-condition': 'internal',
  'unsupported-encoding': 'invalid',
  'unsupported-feature': 'invalid',
  'unsupported-stanza-type': 'invalid',
  'unsupported-version': 'invalid',
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type StreamCondition = keyof typeof STREAM_CONDITIONS;

export interface StreamErrorOptions {
  /** `host`, `host:port` or `[address]:port`, for `see-other-host` (RFC 6120 4.9.3.19). */
  readonly otherHost?: string;
  readonly detail?: XmlElement;
  readonly cause?: unknown;
}

/** Ends a stream: there is no way back from one (RFC 6120 4.9.1.1). */
export class StreamError extends ImpError {
  override readonly name = 'StreamError';
  readonly condition: StreamCondition;
  readonly otherHost: string | undefined;
  readonly detail: XmlElement | undefined;

  constructor(condition: StreamCondition, message = '', options: StreamErrorOptions = {}) {
    super(
      STREAM_CONDITIONS[condition],
      `xmpp.stream.${condition}`,
      message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.condition = condition;
    this.otherHost = options.otherHost;
    this.detail = options.detail;
  }
}

/** Sends a client to another node; the address of an IPv6 host is put in brackets. */
export function seeOtherHost(host: string, port?: number): StreamError {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return new StreamError('see-other-host', '', { otherHost: port === undefined ? name : `${name}:${port}` });
}

/** Any failure as a stream error. What is our fault keeps its message from the other side. */
export function toStreamError(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  if (error instanceof XmlError) {
    switch (error.code) {
      case 'xml.dtd':
      case 'xml.processing-instruction':
      case 'xml.comment':
        return new StreamError('restricted-xml', error.message, { cause: error });
      case 'xml.malformed':
      case 'xml.forbidden-character':
        return new StreamError('not-well-formed', error.message, { cause: error });
      default:
        return new StreamError('policy-violation', error.message, { cause: error });
    }
  }
  return new StreamError('internal-server-error', '', { cause: error });
}

/** The `<stream:error/>` element. */
export function writeStreamError(error: StreamError): XmlElement {
  return el(
    NS.stream,
    'error',
    {},
    el(NS.streamErrors, error.condition, {}, ...(error.otherHost === undefined ? [] : [error.otherHost])),
    ...(error.message === '' ? [] : [el(NS.streamErrors, 'text', { 'xml:lang': 'en' }, error.message)]),
    ...(error.detail === undefined ? [] : [error.detail]),
  );
}

/** Reads a `<stream:error/>`; an unknown condition is `undefined-condition`. */
export function readStreamError(error: XmlElement): StreamError {
  const named = elements(error, undefined, NS.streamErrors).find((each) =>
    Object.hasOwn(STREAM_CONDITIONS, each.local),
  );
  const text = element(error, 'text', NS.streamErrors);
  const detail = elements(error).find((each) => each.uri !== NS.streamErrors);
  const host = named === undefined ? '' : textOf(named).trim();
  return new StreamError(
    (named?.local ?? 'undefined-condition') as StreamCondition,
    text === undefined ? '' : textOf(text),
    {
      ...(host === '' ? {} : { otherHost: host }),
      ...(detail === undefined ? {} : { detail }),
    },
  );
}
