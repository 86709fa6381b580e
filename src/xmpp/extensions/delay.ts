import { isoTime } from '../../platform/clock.ts';
import { attribute, element, type XmlElement } from '../../xml/element.ts';
import { el } from '../elements.ts';
import type { Jid } from '../jid.ts';
import { NS } from '../namespaces.ts';

/** XEP-0203: since when a stanza has waited, and with whom. */
export function delay(atMs: number, from: Jid | null, reason?: string): XmlElement {
  return el(NS.delay, 'delay', { from: from?.full, stamp: isoTime(atMs) }, ...(reason === undefined ? [] : [reason]));
}

/** When the stanza was sent; undefined when it does not say, or says it wrongly. The first delay is the oldest. */
export function delayedSince(stanza: XmlElement): number | undefined {
  const found = element(stanza, 'delay', NS.delay);
  return found === undefined ? undefined : readDateTime(attribute(found, 'stamp') ?? '');
}

// XEP-0082: a DateTime always has a zone.
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since the epoch of a DateTime (XEP-0082). */
export function readDateTime(text: string): number | undefined {
  const ms = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
