/** An XML element, namespace-resolved. Names are compared by namespace and local name, never by prefix. */
export interface XmlElement {
  /** Namespace name; '' when in none. */
  readonly uri: string;
  readonly local: string;
  readonly attributes: readonly XmlAttribute[];
  /** Child elements and text in document order; comments are dropped, CDATA is text. */
  readonly children: readonly (XmlElement | string)[];
}

export interface XmlAttribute {
  readonly uri: string;
  readonly local: string;
  readonly value: string;
}

/** The value of an attribute in no namespace (or in `uri`). */
export function attribute(element: XmlElement, local: string, uri = ''): string | undefined {
  for (const each of element.attributes) if (each.local === local && each.uri === uri) return each.value;
  return undefined;
}

/** All text of the element and what stands below it, in document order. */
export function textOf(element: XmlElement): string {
  let text = '';
  for (const child of element.children) text += typeof child === 'string' ? child : textOf(child);
  return text;
}

/** Child elements, by local name and (if given) namespace. */
export function elements(parent: XmlElement, local?: string, uri?: string): XmlElement[] {
  const found: XmlElement[] = [];
  for (const child of parent.children) {
    if (typeof child === 'string') continue;
    if (local !== undefined && child.local !== local) continue;
    if (uri !== undefined && child.uri !== uri) continue;
    found.push(child);
  }
  return found;
}

/** The first such child element. */
export function element(parent: XmlElement, local: string, uri?: string): XmlElement | undefined {
  for (const child of parent.children) {
    if (typeof child === 'string') continue;
    if (child.local === local && (uri === undefined || child.uri === uri)) return child;
  }
  return undefined;
}
