import { element, textOf, type XmlElement } from '../../xml/element.ts';
import { childText, el } from '../elements.ts';
import { NS } from '../namespaces.ts';
import { StanzaError } from '../stanza-error.ts';

/** What page of a list is asked for (XEP-0059 2). */
export interface PageRequest {
  /** Most items of the page; null: as the answerer sees fit; 0 asks only for the count. */
  readonly max: number | null;
  /** The page after this item … */
  readonly after: string | null;
  /** … or the one before it; an empty string asks for the last page. */
  readonly before: string | null;
  /** Or from this place on. */
  readonly index: number | null;
}

/** Reads the `<set/>` of a request; undefined when it asks for no page. @throws StanzaError `bad-request` */
export function readPageRequest(query: XmlElement): PageRequest | undefined {
  const set = element(query, 'set', NS.rsm);
  if (set === undefined) return undefined;
  return {
    max: count(childText(set, 'max')),
    after: childText(set, 'after') ?? null,
    before: childText(set, 'before') ?? null,
    index: count(childText(set, 'index')),
  };
}

function count(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^[0-9]{1,9}$/.test(text.trim())) throw new StanzaError('bad-request', 'a number of the page is none');
  return Number(text);
}

/** The `<set/>` of a request. */
export function writePageRequest({ max, after, before, index }: Partial<PageRequest>): XmlElement {
  const said = (name: string, value: string | number | null | undefined): readonly XmlElement[] =>
    value === null || value === undefined ? [] : [el(NS.rsm, name, {}, String(value))];
  return el(
    NS.rsm,
    'set',
    {},
    ...said('max', max),
    ...said('after', after),
    ...said('before', before),
    ...said('index', index),
  );
}

/** One page of a list, and where it lies. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Place of the first item in the whole list. */
  readonly index: number;
  readonly total: number;
  readonly isLast: boolean;
}

/**
 * Cuts the page out of a whole list in its order.
 * @throws StanzaError `item-not-found` when the item to go on from is not there (XEP-0059 2.2)
 */
export function pageOf<T>(list: readonly T[], idOf: (item: T) => string, request: PageRequest, most: number): Page<T> {
  const max = Math.min(request.max ?? most, most);
  const place = (id: string): number => {
    const found = list.findIndex((item) => idOf(item) === id);
    if (found < 0) throw new StanzaError('item-not-found', 'the item to go on from is not there');
    return found;
  };
  let from = request.index ?? 0;
  if (request.after !== null && request.after !== '') from = place(request.after) + 1;
  let to = Math.min(from + max, list.length);
  if (request.before !== null) {
    to = request.before === '' ? list.length : place(request.before);
    from = Math.max(0, to - max);
  }
  if (request.index !== null && from > list.length) throw new StanzaError('item-not-found', 'the list is shorter');
  return { items: list.slice(from, to), index: from, total: list.length, isLast: to >= list.length };
}

/** The `<set/>` of an answer. */
export function writePage<T>(page: Page<T>, idOf: (item: T) => string): XmlElement {
  const [first, last] = [page.items[0], page.items.at(-1)];
  return el(
    NS.rsm,
    'set',
    {},
    ...(first === undefined ? [] : [el(NS.rsm, 'first', { index: page.index }, idOf(first))]),
    ...(last === undefined ? [] : [el(NS.rsm, 'last', {}, idOf(last))]),
    el(NS.rsm, 'count', {}, String(page.total)),
  );
}

/** The last id of a page that somebody answered, to go on from; undefined when the page was empty. */
export function lastOfPage(answer: XmlElement): string | undefined {
  const set = element(answer, 'set', NS.rsm);
  const last = set === undefined ? undefined : element(set, 'last', NS.rsm);
  return last === undefined ? undefined : textOf(last);
}
