import { attribute, type XmlElement } from '../../../xml/element.ts';
import { serialise } from '../../../xml/serialise.ts';
import { addressed, delay, type Jid, NS, readDateTime, withChildren } from '../../../xmpp/xmpp.ts';
import type { PastMessage, RoomState, StepContext } from './room-state.ts';

/** How much of the past is asked for (XEP-0045 7.2.14); null: not bounded by this. */
export interface HistoryRequest {
  readonly maxStanzas: number | null;
  readonly maxCharacters: number | null;
  readonly sinceMs: number | null;
}

/** Reads `<history/>`; what is no number or no time bounds nothing. */
export function readHistoryRequest(source: XmlElement | undefined, atMs: number): HistoryRequest {
  const count = (name: string): number | null => {
    const text = source === undefined ? undefined : attribute(source, name);
    return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
  };
  const seconds = count('seconds');
  const since = source === undefined ? undefined : readDateTime(attribute(source, 'since') ?? '');
  const times = [...(seconds === null ? [] : [atMs - seconds * 1_000]), ...(since === undefined ? [] : [since])];
  return {
    maxStanzas: count('maxstanzas'),
    maxCharacters: count('maxchars'),
    sinceMs: times.length === 0 ? null : Math.max(...times),
  };
}

/** The youngest of the past that every bound allows, oldest first. */
export function selectHistory(
  history: readonly PastMessage[],
  request: HistoryRequest,
  most: number,
): readonly PastMessage[] {
  const count = Math.min(request.maxStanzas ?? most, most);
  let characters = 0;
  let from = history.length;
  while (from > 0 && history.length - from < count) {
    const next = history[from - 1];
    if (next === undefined || (request.sinceMs !== null && next.atMs < request.sinceMs)) break;
    characters += next.size;
    if (request.maxCharacters !== null && characters > request.maxCharacters) break;
    from -= 1;
  }
  return history.slice(from);
}

/** Remembers a message; the oldest go when there are too many of them, or too much in them. */
export function remember(history: readonly PastMessage[], message: PastMessage, limits: HistoryBounds): PastMessage[] {
  const kept = [...history, message];
  let size = kept.reduce((sum, each) => sum + each.size, 0);
  while (kept.length > limits.historyLength || size > limits.historySize) size -= kept.shift()?.size ?? size;
  return kept;
}

export interface HistoryBounds {
  readonly historyLength: number;
  readonly historySize: number;
}

/** A message of the past for one who enters, with its time (XEP-0203). */
export function replay(state: RoomState, { element, atMs }: PastMessage, to: Jid): XmlElement {
  return addressed(withChildren(element, [...element.children, delay(atMs, state.jid)]), { to });
}

export function pastMessage(element: XmlElement, context: StepContext): PastMessage {
  return { id: context.id, atMs: context.atMs, element, size: serialise(element).length };
}

/** Whether it is said to be kept by nobody (XEP-0334). */
export function isUnkept(message: XmlElement): boolean {
  return message.children.some(
    (child) =>
      typeof child !== 'string' &&
      child.uri === NS.hints &&
      (child.local === 'no-store' || child.local === 'no-permanent-store'),
  );
}
