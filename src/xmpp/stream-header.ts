import { attribute, type XmlElement } from '../xml/element.ts';
import { attributeText } from '../xml/write.ts';
import { langOf } from './elements.ts';
import { NS } from './namespaces.ts';
import { StreamError } from './stream-error.ts';

/** What a stream's opening says (RFC 6120 4.7), as it came: who opens it judges the addresses. */
export interface StreamHeader {
  readonly to: string | null;
  readonly from: string | null;
  readonly id: string | null;
  readonly version: string | null;
  readonly lang: string | null;
}

/** The namespace that a stream's stanzas stand in. */
export type ContentNamespace = typeof NS.client | typeof NS.server;

/** Reads `<stream:stream>` or `<open/>` of RFC 7395. @throws StreamError `invalid-namespace`, `bad-format` */
export function readStreamHeader(root: XmlElement, framing: 'tcp' | 'websocket'): StreamHeader {
  const [uri, local] = framing === 'tcp' ? [NS.stream, 'stream'] : [NS.framing, 'open'];
  if (root.local !== local) throw new StreamError('bad-format', `a stream begins with the element ${local}`);
  if (root.uri !== uri) throw new StreamError('invalid-namespace', `the element ${local} is in a wrong namespace`);
  return {
    to: attribute(root, 'to') ?? null,
    from: attribute(root, 'from') ?? null,
    id: attribute(root, 'id') ?? null,
    version: attribute(root, 'version') ?? null,
    lang: langOf(root) ?? null,
  };
}

/** RFC 6120 4.7.5: major versions are compared as numbers; what says none is older than 1.0. */
export function isVersionOne(header: StreamHeader): boolean {
  return Number(/^(\d+)\.\d+$/.exec(header.version ?? '')?.[1] ?? 0) >= 1;
}

/** The attributes of an opening, in the order in which the RFC shows them. */
export function headerAttributes(header: StreamHeader): string {
  let written = '';
  const add = (name: string, value: string | null): void => {
    if (value !== null) written += ` ${name}="${attributeText(value)}"`;
  };
  add('from', header.from);
  add('to', header.to);
  add('id', header.id);
  add('version', header.version);
  add('xml:lang', header.lang);
  return written;
}
