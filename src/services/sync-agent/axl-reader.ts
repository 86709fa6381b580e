import type { AxlClient } from '../../axl/client.ts';
import { AxlError } from '../../axl/errors.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { XmlElement } from '../../xml/element.ts';
import { closeTag, element, join, type Markup, openTag, textElement } from '../../xml/write.ts';

export interface ListQuery {
  /** `listUser` */
  readonly operation: string;
  readonly criterion: string;
  /** What the criterion is matched with; `%` unless it says otherwise. */
  readonly like?: string;
  readonly tags: readonly string[];
}

export type SqlRow = ReadonlyMap<string, string>;

/** Rows are handed on in batches of about this many, so that few of them live at once. */
const BATCH_ROWS = 500;
/** Pages of a list under way at the same time: CUCM makes the next one while this one is read and stored. */
const PAGES_AT_ONCE = 2;

/** What becomes of the objects of a list. */
export interface RowSink<Source, Row> {
  /** Called as each object arrives, so that its tree is short-lived. */
  readonly toRow: (source: Source) => Row;
  /** Awaited while CUCM waits. Rows may come again after a page that was cut off. */
  readonly onRows: (rows: readonly Row[]) => Promise<void>;
  /** At least so many at once, but for the last of a page. */
  readonly batchRows?: number;
}

/** Reads CUCM page by page, with patience where CUCM asks for it. Every failure is an `AxlError`. */
export interface AxlReader {
  /** All objects of a list; answers how many. */
  list<Row>(query: ListQuery, sink: RowSink<XmlElement, Row>): Promise<number>;
  /** All rows of a table. Pages begin after the last key of the one before: none is missed, whatever else goes away. */
  sql<Row>(select: SqlSelect, sink: RowSink<SqlRow, Row>): Promise<number>;
  /** Rows of one small query. */
  sqlRows(query: string): Promise<readonly SqlRow[]>;
  /** One object by its pkid; undefined when it is gone. */
  get(operation: string, pkid: string, tags: readonly string[]): Promise<XmlElement | undefined>;
  /** Tries again while CUCM throttles. */
  patiently<T>(call: () => Promise<T>): Promise<T>;
}

/** Columns of a table that has a `pkid`, which is read too. */
export interface SqlSelect {
  readonly columns: string;
  readonly from: string;
  readonly where?: string;
}

export interface AxlReaderNeeds {
  readonly axl: AxlClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly pageRows: number;
  readonly sqlPageRows: number;
  /** CUCM asks for patience until then, in milliseconds since the epoch; null: no more. */
  readonly onPatience?: (until: number | null) => void;
}

/** Pkids come from CUCM and go back into SQL: nothing but a UUID does. */
export const PKID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const THROTTLE_FIRST_MS = 1_000;
const THROTTLE_MOST_MS = 60_000;
/** A CUCM that throttles for longer than this many tries is as good as away. */
const THROTTLE_TRIES = 12;

/** Tags that stand for a group of tags. */
const NESTED: Readonly<Record<string, Markup>> = {
  primaryExtension: element('primaryExtension', undefined, join([element('pattern'), element('routePartitionName')])),
};

const returnedTags = (tags: readonly string[]): Markup =>
  join([openTag('returnedTags'), ...tags.map((tag) => NESTED[tag] ?? element(tag)), closeTag('returnedTags')]);

/** How a page ended: a failure waits for its turn. */
type PageEnd = { readonly kind: 'read'; readonly rows: number } | { readonly kind: 'failed'; readonly error: unknown };

const ended = (page: Promise<number>): Promise<PageEnd> =>
  page.then(
    (rows) => ({ kind: 'read', rows }),
    (error: unknown) => ({ kind: 'failed', error }),
  );

export function createAxlReader(needs: AxlReaderNeeds): AxlReader {
  const { axl, clock, log, signal } = needs;

  const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof AxlError) || error.code !== 'axl.throttled' || tries >= THROTTLE_TRIES) throw error;
        const pauseMs = Math.min(error.retryAfterMs ?? THROTTLE_FIRST_MS * 2 ** (tries - 1), THROTTLE_MOST_MS);
        log.info({ pauseMs, tries }, 'CUCM throttles, waiting');
        needs.onPatience?.(clock.now() + pauseMs);
        await sleep(clock, pauseMs, signal);
        needs.onPatience?.(null);
      }
    }
  };

  /**
   * Pages until a short one. A page that CUCM finds too large is asked again, smaller. Once a page was full, `atOnce` of
   * them are under way at the same time; the last may then lie behind the end.
   */
  const pages = async (
    first: number,
    atOnce: number,
    read: (skip: number, rows: number) => Promise<number>,
  ): Promise<number> => {
    let size = first;
    let total = 0;
    const underWay: Promise<PageEnd>[] = [];
    for (;;) {
      signal.throwIfAborted();
      while (underWay.length < (total === 0 ? 1 : atOnce)) {
        const skip = total + underWay.length * size;
        underWay.push(ended(patiently(() => read(skip, size))));
      }
      const end = await (underWay.shift() as Promise<PageEnd>);
      if (end.kind === 'read' && end.rows === size) {
        total += end.rows;
        continue;
      }
      // None may go on storing rows behind the back of whoever tries again.
      const others = await Promise.all(underWay.splice(0));
      if (end.kind === 'read') {
        for (const other of others) if (other.kind === 'failed') throw other.error;
        return total + end.rows;
      }
      const { error } = end;
      if (!(error instanceof AxlError) || error.code !== 'axl.too-large' || size === 1) throw error;
      const suggested = Math.max(1, (error.suggestedRows ?? size) - 1);
      size = Math.max(1, Math.min(suggested, Math.floor(size / 2)));
      log.info({ rows: size }, 'CUCM asks for smaller pages');
    }
  };

  /** Collects rows as they arrive and hands them on between pieces of the answer. */
  const collect = async <Source, Row>(
    { toRow, onRows, batchRows = BATCH_ROWS }: RowSink<Source, Row>,
    read: (onRow: (source: Source) => void, afterChunk: () => Promise<void>) => Promise<number>,
  ): Promise<number> => {
    let rows: Row[] = [];
    const flush = async (least: number): Promise<void> => {
      if (rows.length === 0 || rows.length < least) return;
      const full = rows;
      rows = [];
      await onRows(full);
    };
    const count = await read(
      (source) => rows.push(toRow(source)),
      () => flush(batchRows),
    );
    await flush(0);
    return count;
  };

  return {
    patiently,
    list: (query, sink) =>
      pages(needs.pageRows, PAGES_AT_ONCE, (skip, first) =>
        collect(sink, (onRow, afterChunk) => {
          const inside = join([
            element('searchCriteria', undefined, textElement(query.criterion, query.like ?? '%')),
            returnedTags(query.tags),
            textElement('skip', skip),
            textElement('first', first),
          ]);
          return axl.stream(query.operation, inside, onRow, afterChunk);
        }),
      ),
    sql({ columns, from, where }, sink) {
      let after = '';
      // Where a page begins is known when the one before has ended.
      return pages(needs.sqlPageRows, 1, async (_skip, first) => {
        const conditions = [where, after === '' ? undefined : `pkid > '${after}'`].filter((each) => each !== undefined);
        const which = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
        let last = after;
        const rows = await collect(sink, (onRow, afterChunk) =>
          axl.sqlQuery(
            `select first ${first} pkid, ${columns} from ${from}${which} order by pkid`,
            (row) => {
              last = row.get('pkid') ?? '';
              onRow(row);
            },
            afterChunk,
          ),
        );
        // It goes back into SQL.
        if (!PKID.test(last) && rows > 0)
          throw new AxlError('axl.garbage', `${axl.host} sent a row of ${from} without a pkid`);
        after = last;
        return rows;
      });
    },
    async sqlRows(query) {
      return await patiently(async () => {
        const rows: SqlRow[] = [];
        await axl.sqlQuery(query, (row) => rows.push(row));
        return rows;
      });
    },
    async get(operation, pkid, tags) {
      const inside = join([textElement('uuid', `{${pkid.toUpperCase()}}`), returnedTags(tags)]);
      try {
        let found: XmlElement | undefined;
        await patiently(() =>
          axl.stream(operation, inside, (row) => {
            found = row;
          }),
        );
        return found;
      } catch (error) {
        if (error instanceof AxlError && error.code === 'axl.fault' && error.axlCode === NOT_FOUND) return undefined;
        throw error;
      }
    },
  };
}

/** "Item not valid: The specified … was not found." */
const NOT_FOUND = 5007;
