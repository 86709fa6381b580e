import { attribute, element, textOf, type XmlAttribute, type XmlElement } from '../xml/element.ts';
import { NS } from './namespaces.ts';

/** Attribute values by name; `xml:lang` is the one prefixed name. Undefined and null ones are left out. */
export type AttributeValues = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Builds an element in a namespace. Texts are data: they are escaped when they are written. */
export function el(
  uri: string,
  local: string,
  attributes: AttributeValues = {},
  ...children: readonly (XmlElement | string)[]
): XmlElement {
  return { uri, local, attributes: attributesOf(attributes), children };
}

function attributesOf(values: AttributeValues): readonly XmlAttribute[] {
  const found: XmlAttribute[] = [];
  for (const name in values) {
    const value = values[name];
    if (value === undefined || value === null) continue;
    if (name === 'xml:lang') found.push({ uri: NS.xml, local: 'lang', value: String(value) });
    else found.push({ uri: '', local: name, value: String(value) });
  }
  return found;
}

/** The same element with attributes set, or taken away where the value is null. */
export function withAttributes(source: XmlElement, values: AttributeValues): XmlElement {
  const isSet = (name: string): boolean => Object.hasOwn(values, name) && values[name] !== undefined;
  const kept = source.attributes.filter(
    ({ uri, local }) => !isSet(uri === '' ? local : uri === NS.xml ? `xml:${local}` : `{${uri}}${local}`),
  );
  return { ...source, attributes: [...kept, ...attributesOf(values)] };
}

/** The same element with other children. */
export function withChildren(source: XmlElement, children: readonly (XmlElement | string)[]): XmlElement {
  return { ...source, children };
}

/** Whether it is this element: by namespace and local name. */
export function isElement(candidate: XmlElement, uri: string, local: string): boolean {
  return candidate.local === local && candidate.uri === uri;
}

/** The text of the first such child; undefined when there is none. */
export function childText(parent: XmlElement, local: string, uri: string = parent.uri): string | undefined {
  const child = element(parent, local, uri);
  return child === undefined ? undefined : textOf(child);
}

/** The element's own language. */
export function langOf(source: XmlElement): string | undefined {
  return attribute(source, 'lang', NS.xml);
}
