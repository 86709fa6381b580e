import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/** What tests need of the npm package `@xmpp/client`, which brings no types. */
export interface XmppJsElement {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string>>;
  is(name: string): boolean;
  getChild(name: string, xmlns?: string): XmppJsElement | undefined;
  getChildText(name: string): string | null;
  getChildren(name: string): XmppJsElement[];
  toString(): string;
}
export interface XmppJsClient {
  on(event: 'stanza', listener: (stanza: XmppJsElement) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<{ toString(): string }>;
  stop(): Promise<unknown>;
  send(element: unknown): Promise<void>;
  readonly iqCaller: { request(element: unknown, timeoutMs?: number): Promise<XmppJsElement> };
  readonly reconnect: { stop(): void };
}
export interface XmppJs {
  client(options: Record<string, unknown>): XmppJsClient;
  xml(name: string, attributes: Record<string, string>, ...children: readonly unknown[]): unknown;
}

const PACKAGE = '@xmpp/client';

async function load(): Promise<XmppJs | undefined> {
  try {
    return (await import(PACKAGE)) as XmppJs;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Undefined where the package is not installed. */
export const xmppJs = await load();
export const skipWithoutXmppJs = xmppJs === undefined ? 'the package @xmpp/client is not installed' : false;

/** The package trusts what the process trusts. */
export function trustAuthority(ca: string): void {
  setDefaultCACertificates([...getCACertificates('default'), ca]);
}
