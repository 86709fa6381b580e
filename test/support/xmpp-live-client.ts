import { type Clock, systemClock } from '../../src/platform/clock.ts';
import type { XmlElement } from '../../src/xml/element.ts';
import {
  type ClientStream,
  type ConnectOptions,
  connectTransport,
  openStream,
  type SaslCredentials,
  type Transport,
} from '../../src/xmpp/xmpp.ts';

export interface LiveClient {
  readonly stream: ClientStream;
  readonly transport: Transport;
  readonly received: XmlElement[];
  /** Resolves with the first element that matches, past ones too. */
  until(matches: (element: XmlElement) => boolean): Promise<XmlElement>;
  /** Resolves when the stream is over, with the other side's reason. */
  readonly closed: Promise<Error | null>;
}

export interface LiveClientOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly ca: string;
  readonly credentials: SaslCredentials;
  readonly resource?: string;
  readonly tls?: ConnectOptions['tls'];
  readonly clock?: Clock;
}

/** A client of our own protocol room, over a real socket. */
export async function openLiveClient(options: LiveClientOptions): Promise<LiveClient> {
  const { host, port, domain, ca, credentials, resource, tls = 'starttls', clock = systemClock } = options;
  const transport = await connectTransport({ clock, host, port, domain, tls, secureOptions: { ca } });
  const received: XmlElement[] = [];
  const waiting = new Set<() => void>();
  let over: (reason: Error | null) => void = () => undefined;
  const closed = new Promise<Error | null>((resolve) => {
    over = resolve;
  });
  const stream = await openStream(transport, {
    kind: 'client',
    domain,
    credentials,
    ...(resource !== undefined && { resource }),
    clock,
    timeoutMs: 60_000,
    stanzaBytes: 1_000_000,
    onElement(element) {
      received.push(element);
      for (const look of waiting) look();
    },
    onClosed: over,
  });
  return {
    ...{ stream, transport, received, closed },
    until: (matches) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = received.find(matches);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
