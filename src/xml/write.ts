import { XmlError } from './errors.ts';

declare const markup: unique symbol;
/** Text that is XML already. Only the functions here make it, so user data is always escaped exactly once. */
export type Markup = string & { readonly [markup]: true };

/** Attribute values by qualified name; undefined ones are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export const NOTHING = '' as Markup;

// XML 1.0 2.2: everything outside Char. With the u flag a lone surrogate matches and a pair does not.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;
const SPECIAL = /[&<>"'\r]/;
const SPECIALS = /[&<>"'\r]/g;
const ATTRIBUTE_SPECIAL = /[&<>"'\r\n\t]/;
const ATTRIBUTE_SPECIALS = /[&<>"'\r\n\t]/g;
const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};
const escapeOne = (character: string): string => ESCAPES[character] as string;

function legal(value: string): string {
  if (FORBIDDEN.test(value)) {
    throw new XmlError('xml.forbidden-character', 'the text holds a character that XML 1.0 cannot carry');
  }
  return value;
}

/** Whether XML 1.0 can carry the text. */
export function isXmlText(value: string): boolean {
  return !FORBIDDEN.test(value);
}

/** Escaped character data. @throws XmlError `xml.forbidden-character` */
export function text(value: string | number | boolean): Markup {
  const string = typeof value === 'string' ? legal(value) : String(value);
  return (SPECIAL.test(string) ? string.replace(SPECIALS, escapeOne) : string) as Markup;
}

/** An escaped attribute value, for either kind of quote. @throws XmlError `xml.forbidden-character` */
export function attributeText(value: string | number | boolean): string {
  const string = typeof value === 'string' ? legal(value) : String(value);
  return ATTRIBUTE_SPECIAL.test(string) ? string.replace(ATTRIBUTE_SPECIALS, escapeOne) : string;
}

/** The start tag of `name`, with attributes. Names come from code, never from input. */
export function openTag(name: string, attributes?: Attributes): Markup {
  return `<${name}${writeAttributes(attributes)}>` as Markup;
}

export function closeTag(name: string): Markup {
  return `</${name}>` as Markup;
}

/** An element around markup; `<name/>` when there is none. Names come from code, never from input. */
export function element(name: string, attributes?: Attributes, ...content: readonly Markup[]): Markup {
  const inside = content.length === 1 ? (content[0] as string) : content.join('');
  const head = `<${name}${writeAttributes(attributes)}`;
  return (inside === '' ? `${head}/>` : `${head}>${inside}</${name}>`) as Markup;
}

/** An element around escaped text. */
export function textElement(name: string, value: string | number | boolean, attributes?: Attributes): Markup {
  return element(name, attributes, text(value));
}

export function join(parts: readonly Markup[]): Markup {
  return parts.join('') as Markup;
}

function writeAttributes(attributes: Attributes | undefined): string {
  if (attributes === undefined) return '';
  let written = '';
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) written += ` ${name}="${attributeText(value)}"`;
  }
  return written;
}

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>' as Markup;
