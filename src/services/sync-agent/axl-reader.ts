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

/** Reads CUCM page by page, with patience where CUCM asks for it. Every failure is an `AxlError`. */
export interface AxlReader {
  /** All objects of a list, a page at a time; the next page is under way while one is worked on. */
  list(query: ListQuery, onPage: (rows: readonly XmlElement[]) => Promise<void>): Promise<number>;
  /** All rows of a query without `SKIP` and `FIRST`; `order` makes pages not overlap. */
  sql(select: SqlSelect, onPage: (rows: readonly SqlRow[]) => Promise<void>): Promise<number>;
  /** Rows of one small query. */
  sqlRows(query: string): Promise<readonly SqlRow[]>;
  /** One object by its pkid; undefined when it is gone. */
  get(operation: string, pkid: string, tags: readonly string[]): Promise<XmlElement | undefined>;
  /** Tries again while CUCM throttles. */
  patiently<T>(call: () => Promise<T>): Promise<T>;
}

export interface SqlSelect {
  readonly columns: string;
  readonly from: string;
  readonly order: string;
}

export interface AxlReaderNeeds {
  readonly axl: AxlClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly pageRows: number;
  readonly sqlPageRows: number;
}

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
        await sleep(clock, pauseMs, signal);
      }
    }
  };

  /**
   * Pages until a short one. A page that CUCM finds too large is asked again, smaller. While one page is worked on, the
   * next is on its way: two pages are held at most.
   */
  const pages = async <Row>(
    first: number,
    read: (skip: number, rows: number) => Promise<Row[]>,
    onPage: (rows: readonly Row[]) => Promise<void>,
  ): Promise<number> => {
    let size = first;
    const fetch = async (skip: number): Promise<Row[]> => {
      for (;;) {
        try {
          return await patiently(() => read(skip, size));
        } catch (error) {
          if (!(error instanceof AxlError) || error.code !== 'axl.too-large' || size === 1) throw error;
          const suggested = Math.max(1, (error.suggestedRows ?? size) - 1);
          size = Math.max(1, Math.min(suggested, Math.floor(size / 2)));
          log.info({ rows: size }, 'CUCM asks for smaller pages');
        }
      }
    };
    let total = 0;
    let next: Promise<Row[]> | undefined = fetch(0);
    while (next) {
      const rows: Row[] = await next;
      signal.throwIfAborted();
      total += rows.length;
      // `size` is that of the page just read: pages are fetched one at a time.
      next = rows.length < size ? undefined : fetch(total);
      // A page that fails while the one before is worked on must not end the process.
      next?.catch(() => undefined);
      await onPage(rows);
    }
    return total;
  };

  const sqlPage = async (query: string): Promise<SqlRow[]> => {
    const rows: SqlRow[] = [];
    await axl.sqlQuery(query, (row) => rows.push(row));
    return rows;
  };

  return {
    patiently,
    list: (query, onPage) =>
      pages(
        needs.pageRows,
        async (skip, first) => {
          const rows: XmlElement[] = [];
          const inside = join([
            element('searchCriteria', undefined, textElement(query.criterion, query.like ?? '%')),
            returnedTags(query.tags),
            textElement('skip', skip),
            textElement('first', first),
          ]);
          await axl.stream(query.operation, inside, (row) => rows.push(row));
          return rows;
        },
        onPage,
      ),
    sql: ({ columns, from, order }, onPage) =>
      pages(
        needs.sqlPageRows,
        (skip, first) => sqlPage(`select skip ${skip} first ${first} ${columns} from ${from} order by ${order}`),
        onPage,
      ),
    sqlRows: (query) => patiently(() => sqlPage(query)),
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
