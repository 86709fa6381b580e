import { attribute, element, type XmlElement } from '../xml/element.ts';
import { el, isElement } from './elements.ts';
import { NS } from './namespaces.ts';
import type { StanzaCondition } from './stanza-error.ts';
import { StreamError } from './stream-error.ts';

/** Counters wrap at 2^32 (XEP-0198 4). */
const WRAP = 2 ** 32;

export interface StreamManagementOptions {
  /** After this many stanzas without an acknowledgement, one is asked for. */
  readonly requestEvery: number;
  /** Stanzas that may wait unacknowledged. */
  readonly maxUnacknowledged: number;
}

export type SentResult =
  | 'sent'
  | 'ask' // an acknowledgement is due: send `<r/>`
  | 'full'; // kept as well, but more wait than may: the stream is given up

/** One side of XEP-0198: what was handled, and what was sent and not acknowledged yet. No timers and no I/O. */
export interface StreamManagement<T> {
  /** Stanzas of the other side handled so far, modulo 2^32: the `h` that we tell. */
  readonly handled: number;
  /** Stanzas sent so far, modulo 2^32. */
  readonly sentCount: number;
  /** Oldest first. */
  readonly unacknowledged: readonly T[];
  /** A stanza of the other side was handled. Elements that are no stanza are not counted. */
  received(): void;
  sent(stanza: T): SentResult;
  /**
   * The other side has handled up to `h`; answers what that acknowledges. After resumption `unacknowledged` is what is
   * sent again, without `sent`.
   * @throws StreamError `undefined-condition` with `handled-count-too-high`, when it handled more than was sent
   */
  acknowledged(h: number): readonly T[];
}

export function createStreamManagement<T>(
  options: StreamManagementOptions,
  start: { readonly handled?: number; readonly sent?: number } = {},
): StreamManagement<T> {
  let handled = start.handled ?? 0;
  let sentCount = start.sent ?? 0;
  let sinceAsked = 0;
  let waiting: T[] = [];
  return {
    get handled() {
      return handled;
    },
    get sentCount() {
      return sentCount;
    },
    get unacknowledged() {
      return waiting;
    },
    received() {
      handled = (handled + 1) % WRAP;
    },
    sent(stanza) {
      sentCount = (sentCount + 1) % WRAP;
      waiting.push(stanza);
      sinceAsked += 1;
      if (waiting.length > options.maxUnacknowledged) return 'full';
      if (sinceAsked < options.requestEvery) return 'sent';
      sinceAsked = 0;
      return 'ask';
    },
    acknowledged(h) {
      const acknowledgedBefore = (sentCount - waiting.length + WRAP) % WRAP;
      const count = (h - acknowledgedBefore + WRAP) % WRAP;
      if (count > waiting.length) throw handledTooHigh(h, sentCount);
      const done = waiting.slice(0, count);
      waiting = waiting.slice(count);
      return done;
    },
  };
}

function handledTooHigh(h: number, sentCount: number): StreamError {
  return new StreamError('undefined-condition', `${h} stanzas acknowledged, but only ${sentCount} sent`, {
    detail: el(NS.sm, 'handled-count-too-high', { h, 'send-count': sentCount }),
  });
}

/** What the other side may say in this namespace. */
export type StreamManagementElement =
  | { readonly kind: 'enable'; readonly wantsResume: boolean; readonly maxSeconds: number | null }
  | { readonly kind: 'enabled'; readonly id: string | null; readonly maxSeconds: number | null }
  | { readonly kind: 'resume'; readonly id: string; readonly handled: number }
  | { readonly kind: 'resumed'; readonly id: string; readonly handled: number }
  | { readonly kind: 'failed'; readonly handled: number | null }
  | { readonly kind: 'request' }
  | { readonly kind: 'answer'; readonly handled: number };

/** Reads an element of XEP-0198; undefined when it is another. @throws StreamError `invalid-xml` */
export function readStreamManagement(source: XmlElement): StreamManagementElement | undefined {
  if (source.uri !== NS.sm) return undefined;
  const id = attribute(source, 'previd') ?? attribute(source, 'id') ?? null;
  const resume = attribute(source, 'resume');
  switch (source.local) {
    case 'r':
      return { kind: 'request' };
    case 'a':
      return { kind: 'answer', handled: counter(source) };
    case 'enable':
      return { kind: 'enable', wantsResume: resume === 'true' || resume === '1', maxSeconds: seconds(source) };
    case 'enabled':
      return { kind: 'enabled', id: resume === 'true' || resume === '1' ? id : null, maxSeconds: seconds(source) };
    case 'resume':
    case 'resumed':
      if (id === null) throw new StreamError('invalid-xml', `${source.local} has no previd`);
      return { kind: source.local, id, handled: counter(source) };
    case 'failed':
      return { kind: 'failed', handled: attribute(source, 'h') === undefined ? null : counter(source) };
    default:
      return undefined;
  }
}

function counter(source: XmlElement): number {
  const text = attribute(source, 'h') ?? '';
  const value = Number(text);
  if (!/^[0-9]{1,10}$/.test(text) || value >= WRAP) throw new StreamError('invalid-xml', 'h is not a counter');
  return value;
}

function seconds(source: XmlElement): number | null {
  const text = attribute(source, 'max') ?? '';
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : null;
}

export const smFeature: XmlElement = el(NS.sm, 'sm');
export const smRequest: XmlElement = el(NS.sm, 'r');

export function smAnswer(handled: number): XmlElement {
  return el(NS.sm, 'a', { h: handled });
}

/** `id` null: acknowledgements only, no resumption. */
export function smEnabled(id: string | null, maxSeconds: number | null, location: string | null = null): XmlElement {
  return el(NS.sm, 'enabled', id === null ? {} : { id, resume: true, max: maxSeconds, location });
}

export function smResumed(id: string, handled: number): XmlElement {
  return el(NS.sm, 'resumed', { previd: id, h: handled });
}

/** `handled`: what was handled of a session that is over, so that the client knows what is lost (XEP-0198 5). */
export function smFailed(condition: StanzaCondition, handled: number | null = null): XmlElement {
  return el(NS.sm, 'failed', { h: handled }, el(NS.stanzaErrors, condition));
}

/** Whether stream features offer it. */
export function offersStreamManagement(features: XmlElement): boolean {
  const sm = element(features, 'sm', NS.sm);
  return sm !== undefined && isElement(sm, NS.sm, 'sm');
}
