import { Pool } from 'undici';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { ENVELOPE_NAMESPACE } from '../soap/envelope.ts';
import { element, elements, textOf, type XmlElement } from '../xml/element.ts';
import type { XmlLimits } from '../xml/limits.ts';
import { createTreeBuilder, createXmlStream, type XmlHandler } from '../xml/parse.ts';
import { closeTag, join, type Markup, openTag, textElement, XML_DECLARATION } from '../xml/write.ts';
import { type ChangeList, readChanges } from './change-list.ts';
import { AxlError, fromConnection } from './errors.ts';
import { fromStatus, responseOf } from './faults.ts';
import { createRowReader } from './row-reader.ts';

export interface AxlClientOptions {
  /** `https://cucm.example:8443/axl/` */
  readonly url: string;
  readonly user: string;
  /** Asked at every request, so that a changed password is used at once. */
  readonly password: () => string;
  /** PEM of the authority that verifies CUCM; absent: the system's own. */
  readonly ca?: string;
  /** AXL schema spoken; 12.5 is known to every release from 12.5 on. */
  readonly schemaVersion?: string;
  readonly headersTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A client of CUCM's AXL (docs/axl-client.md). Every failure is an `AxlError`. Nothing is retried here. */
export interface AxlClient extends AsyncDisposable {
  readonly host: string;
  /** One operation; answers the `…Response` element. */
  call(operation: string, inside: Markup): Promise<XmlElement>;
  /**
   * One operation whose rows (children of `return`) are handed on as they arrive; answers how many. `afterChunk` is
   * awaited between pieces of the answer: CUCM waits meanwhile, and nothing piles up here.
   */
  stream(
    operation: string,
    inside: Markup,
    onRow: (row: XmlElement) => void,
    afterChunk?: () => Promise<void>,
  ): Promise<number>;
  getCcmVersion(): Promise<string>;
  /** Without a place: only where the queue stands. @throws AxlError `axl.fault` 5007 when the place is lost */
  listChange(
    from?: { readonly queueId: string; readonly startChangeId: number },
    types?: readonly string[],
  ): Promise<ChangeList>;
  authenticateUser(userid: string, password: string): Promise<boolean>;
  /** Whether an application user's name and password are right, with an AXL role or without. */
  authenticateApplicationUser(name: string, password: string): Promise<boolean>;
  /** Rows as maps of lower-case column names; answers how many. */
  sqlQuery(
    sql: string,
    onRow: (row: ReadonlyMap<string, string>) => void,
    afterChunk?: () => Promise<void>,
  ): Promise<number>;
  /**
   * Lets a password that CUCM has refused three times in a row be tried again. Until then (or until it is another one)
   * requests fail here, as CUCM would lock the account.
   */
  retryCredentials(): void;
}

const DEFAULT_VERSION = '12.5';
const CONNECTIONS = 4;
const HEADERS_TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 60_000;
/** AXL itself stops at 8 MB; some room for the envelope. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Refusals in a row after which a password is no longer sent: CUCM locks accounts. */
const MOST_REFUSALS = 3;
const LIMITS: XmlLimits = { depth: 64, elements: 5_000_000, attributesPerElement: 64 };

export function createAxlClient(options: AxlClientOptions): AxlClient {
  const url = new URL(options.url);
  const version = options.schemaVersion ?? DEFAULT_VERSION;
  const namespace = `http://www.cisco.com/AXL/API/${version}`;
  const host = url.hostname;
  const log = options.log.child({ subsystem: 'axl' });
  const pool = new Pool(url.origin, {
    connections: CONNECTIONS,
    headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
    bodyTimeout: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
    maxResponseSize: MOST_BYTES,
    connect: { timeout: 10_000, ...(options.ca === undefined ? {} : { ca: options.ca }) },
  });
  const basic = (user: string, password: string): string =>
    `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;

  let refused: { readonly password: string; readonly times: number } | undefined;

  /** The password to send. @throws AxlError when CUCM has refused it too often. */
  const usablePassword = (): string => {
    const password = options.password();
    if (refused?.password !== password) refused = undefined;
    if (refused && refused.times >= MOST_REFUSALS) {
      throw new AxlError(
        'axl.unauthorized',
        `${host} has refused the password of ${options.user} ${MOST_REFUSALS} times, so it is not sent again`,
        { isLatched: true },
      );
    }
    return password;
  };
  const judgeAnswer = (status: number, password: string): void => {
    if (status === 401) refused = { password, times: (refused?.times ?? 0) + 1 };
    else refused = undefined;
  };

  /** Sends, and feeds the answer to the handler as it arrives. Faults come as AxlError. */
  const exchange = async (
    operation: string,
    inside: Markup,
    handler: XmlHandler,
    afterChunk?: () => Promise<void>,
  ): Promise<void> => {
    const began = options.clock.monotonic();
    const body =
      XML_DECLARATION +
      openTag('soapenv:Envelope', { 'xmlns:soapenv': ENVELOPE_NAMESPACE['1.1'], 'xmlns:ns': namespace }) +
      openTag('soapenv:Body') +
      openTag(`ns:${operation}`) +
      inside +
      closeTag(`ns:${operation}`) +
      closeTag('soapenv:Body') +
      closeTag('soapenv:Envelope');
    let status = 0;
    const password = usablePassword();
    /** What those who take the rows have failed of is no failure of CUCM's. */
    let own: { readonly error: unknown } | undefined;
    const handOn = async (): Promise<void> => {
      try {
        await afterChunk?.();
      } catch (error) {
        own = { error };
        throw error;
      }
    };
    try {
      const response = await pool.request({
        path: url.pathname,
        method: 'POST',
        headers: {
          authorization: basic(options.user, password),
          'content-type': 'text/xml; charset=utf-8',
          accept: 'text/xml',
          soapaction: `"CUCM:DB ver=${version} ${operation}"`,
        },
        body,
      });
      status = response.statusCode;
      judgeAnswer(status, password);
      if (status !== 200 && status !== 500) {
        const page = await response.body.text();
        throw fromStatus(status, page, response.headers['retry-after'], host, options.user);
      }
      const stream = createXmlStream(handler, LIMITS);
      const decoder = new TextDecoder('utf-8', { fatal: true });
      for await (const chunk of response.body) {
        stream.write(decoder.decode(chunk as Uint8Array, { stream: true }));
        if (afterChunk) await handOn();
      }
      stream.write(decoder.decode());
      stream.end();
    } catch (error) {
      if (own) throw own.error;
      if (error instanceof AxlError) throw error;
      const name = (error as Error).name;
      if (name === 'XmlError' || name === 'TypeError') {
        throw new AxlError('axl.garbage', `${host} sent an answer to ${operation} that is no AXL`, { cause: error });
      }
      throw fromConnection(error, host);
    } finally {
      log.trace({ operation, status, ms: Math.round(options.clock.monotonic() - began) }, 'AXL request');
    }
  };

  const call = async (operation: string, inside: Markup): Promise<XmlElement> => {
    let root: XmlElement | undefined;
    await exchange(
      operation,
      inside,
      createTreeBuilder((done) => {
        root = done;
      }),
    );
    return responseOf(root, operation, host);
  };

  const stream: AxlClient['stream'] = async (operation, inside, onRow, afterChunk) => {
    let rows = 0;
    const reader = createRowReader((row) => {
      rows += 1;
      onRow(row);
    });
    await exchange(operation, inside, reader, afterChunk);
    responseOf(reader.envelope(), operation, host);
    return rows;
  };

  return {
    host,
    call,
    stream,
    async getCcmVersion() {
      const response = await call('getCCMVersion', '' as Markup);
      const value = element(response, 'return');
      const component = value && element(value, 'componentVersion');
      const text = component && element(component, 'version');
      if (!text) throw new AxlError('axl.garbage', `${host} sent no version`);
      return textOf(text);
    },
    async listChange(from, types) {
      const start =
        from === undefined ? [] : [textElement('startChangeId', from.startChangeId, { queueId: from.queueId })];
      const filter =
        types === undefined
          ? []
          : [openTag('objectList'), ...types.map((type) => textElement('object', type)), closeTag('objectList')];
      return readChanges(await call('listChange', join([...start, ...filter])), host);
    },
    async authenticateUser(userid, password) {
      const response = await call(
        'doAuthenticateUser',
        join([textElement('userid', userid), textElement('password', password)]),
      );
      const value = element(response, 'return');
      const answer = value && element(value, 'userAuthenticated');
      if (!answer) throw new AxlError('axl.garbage', `${host} did not say whether the password is right`);
      return textOf(answer).trim().toLowerCase() === 'true';
    },
    async authenticateApplicationUser(name, password) {
      try {
        const response = await pool.request({
          path: url.pathname,
          method: 'GET',
          headers: { authorization: basic(name, password) },
        });
        await response.body.dump();
        if (response.statusCode === 200 || response.statusCode === 403) return true;
        if (response.statusCode === 401) return false;
        throw fromStatus(response.statusCode, '', response.headers['retry-after'], host, name);
      } catch (error) {
        throw fromConnection(error, host);
      }
    },
    async sqlQuery(sql, onRow, afterChunk) {
      const toMap = (row: XmlElement): void =>
        onRow(new Map(elements(row).map((column) => [column.local.toLowerCase(), textOf(column)])));
      return await stream('executeSQLQuery', textElement('sql', sql), toMap, afterChunk);
    },
    retryCredentials() {
      refused = undefined;
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy();
    },
  };
}
