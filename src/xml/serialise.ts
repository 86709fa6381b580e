import type { XmlElement } from './element.ts';
import { attributeText, type Markup, text } from './write.ts';

const XML = 'http://www.w3.org/XML/1998/namespace';

/** What is declared already where the element will stand. */
export interface NamespaceScope {
  /** The default namespace there; '' when there is none. */
  readonly defaultUri: string;
  /** Prefixes declared there, by namespace. An element of such a namespace is written with its prefix. */
  readonly prefixes: ReadonlyMap<string, string>;
}

const NO_SCOPE: NamespaceScope = { defaultUri: '', prefixes: new Map() };

/**
 * Writes a parsed element so that it means the same where it will stand: names are declared afresh, as default
 * namespaces, whatever prefixes they came with. Prefixes that only text or attribute values speak of are not kept.
 * @throws XmlError `xml.forbidden-character`; what was parsed never holds one.
 */
export function serialise(element: XmlElement, scope: NamespaceScope = NO_SCOPE): Markup {
  return write(element, scope.defaultUri, scope.prefixes) as Markup;
}

function write(element: XmlElement, defaultUri: string, prefixes: ReadonlyMap<string, string>): string {
  const { uri, local, attributes, children } = element;
  // The xml prefix is bound for good and may not be declared as a default (Namespaces in XML 3).
  const prefix = uri === defaultUri ? undefined : uri === XML ? 'xml' : prefixes.get(uri);
  const name = prefix === undefined ? local : `${prefix}:${local}`;
  let inner = defaultUri;
  let written = `<${name}`;
  if (prefix === undefined && uri !== defaultUri) {
    written += ` xmlns="${attributeText(uri)}"`;
    inner = uri;
  }
  if (attributes.length > 0) written += writeAttributes(element, prefixes);
  if (children.length === 0) return `${written}/>`;
  written += '>';
  for (const child of children) written += typeof child === 'string' ? text(child) : write(child, inner, prefixes);
  return `${written}</${name}>`;
}

function writeAttributes(element: XmlElement, prefixes: ReadonlyMap<string, string>): string {
  let written = '';
  let made = 0;
  for (const { uri, local, value } of element.attributes) {
    let prefix = '';
    if (uri === XML) prefix = 'xml:';
    // An attribute without prefix is in no namespace, so the default one never serves (Namespaces in XML 6.2).
    else if (uri !== '') {
      const declared = prefixes.get(uri);
      if (declared === undefined) {
        made += 1;
        // `_n` is ours: no scope declares such a prefix.
        prefix = `_n${made}:`;
        written += ` xmlns:_n${made}="${attributeText(uri)}"`;
      } else prefix = `${declared}:`;
    }
    written += ` ${prefix}${local}="${attributeText(value)}"`;
  }
  return written;
}
