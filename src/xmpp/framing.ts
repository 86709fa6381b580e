import type { XmlElement } from '../xml/element.ts';
import { type NamespaceScope, serialise } from '../xml/serialise.ts';
import { NS } from './namespaces.ts';
import { type ContentNamespace, headerAttributes, type StreamHeader } from './stream-header.ts';

/** How a stream is written on its transport. What is written is whole: one element, one opening, one close. */
export interface Framing {
  readonly kind: 'tcp' | 'websocket' | 'bosh';
  open(header: StreamHeader): string;
  element(element: XmlElement): string;
  close(): string;
}

const PREFIXES: ReadonlyMap<string, string> = new Map([[NS.stream, 'stream']]);

/** RFC 6120: one document, with the content namespace and the prefix `stream` declared by its root. */
export function tcpFraming(content: ContentNamespace = NS.client): Framing {
  const scope: NamespaceScope = { defaultUri: content, prefixes: PREFIXES };
  return {
    kind: 'tcp',
    open: (header) =>
      `<?xml version='1.0'?><stream:stream xmlns="${content}" xmlns:stream="${NS.stream}"${headerAttributes(header)}>`,
    element: (element) => serialise(content === NS.client ? element : translate(element, NS.client, content), scope),
    close: () => '</stream:stream>',
  };
}

const BARE_SCOPE: NamespaceScope = { defaultUri: '', prefixes: new Map() };
const STREAM_SCOPE: NamespaceScope = { defaultUri: '', prefixes: PREFIXES };

/** RFC 7395: each frame is a document of its own and declares all it uses. */
export function webSocketFraming(): Framing {
  return {
    kind: 'websocket',
    open: (header) => `<open xmlns="${NS.framing}"${headerAttributes(header)}/>`,
    element(element) {
      if (element.uri !== NS.stream) return serialise(element, BARE_SCOPE);
      // RFC 7395 3.3.2 shows the prefix, and browser libraries look for `stream:features` by that very name.
      const written = serialise(element, STREAM_SCOPE);
      const name = `<stream:${element.local}`;
      return `${name} xmlns:stream="${NS.stream}"${written.slice(name.length)}`;
    },
    close: () => `<close xmlns="${NS.framing}"/>`,
  };
}

/**
 * The stanza in another content namespace: the element itself and what stands below it without a change of namespace.
 * A stanza that is carried within another (XEP-0297) says its own and keeps it.
 */
export function translate(element: XmlElement, from: string, to: string): XmlElement {
  if (element.uri !== from) return element;
  return {
    ...element,
    uri: to,
    children: element.children.map((child) => (typeof child === 'string' ? child : translate(child, from, to))),
  };
}
