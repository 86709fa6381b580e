import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server answers for one path. */
export interface CalendarPage {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** It takes the query, and never answers. */
  readonly isSilent?: boolean;
}

export interface CalendarHost extends AsyncDisposable {
  readonly origin: string;
  /** By path; what is not there is 404. */
  readonly pages: Map<string, CalendarPage>;
  readonly queries: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
}

/** A web server that serves calendars. */
export async function openCalendarHost(port = 0): Promise<CalendarHost> {
  const pages = new Map<string, CalendarPage>();
  const queries: CalendarHost['queries'] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    queries.push({ path, headers: request.headers });
    const page = pages.get(path);
    if (page?.isSilent) return;
    const etag = page?.headers?.etag;
    if (etag !== undefined && request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(page?.status ?? (page === undefined ? 404 : 200), page?.headers).end(page?.body ?? '');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pages,
    queries,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** `20260101T093000Z` */
export function stamp(at: number): string {
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** A calendar with an entry from one time to another. */
export function feed(startsAt: number, endsAt: number, ...properties: readonly string[]): string {
  const event = [`DTSTART:${stamp(startsAt)}`, `DTEND:${stamp(endsAt)}`, ...properties];
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'BEGIN:VEVENT', 'UID:1', ...event, 'END:VEVENT', 'END:VCALENDAR', ''].join(
    '\r\n',
  );
}
