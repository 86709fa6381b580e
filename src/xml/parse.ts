import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
import type { XmlAttribute, XmlElement } from './element.ts';
import { XmlError } from './errors.ts';
import { DEFAULT_XML_LIMITS, type XmlLimits } from './limits.ts';

/** What a streaming reader hears. Text may come in several pieces. */
export interface XmlHandler {
  open(uri: string, local: string, attributes: readonly XmlAttribute[]): void;
  text(text: string): void;
  close(uri: string, local: string): void;
  /** The XML declaration, where there is one. */
  declaration?(encoding: string | undefined): void;
}

/** A streaming parser: feed it text in pieces; every refusal is an `XmlError` thrown from `write` or `end`. */
export interface XmlStream {
  write(text: string): void;
  /** Counts elements anew: for a stream of many small documents under one root, each with the whole allowance. */
  countAnew(): void;
  /** The document is over; throws `xml.malformed` when it is not whole. */
  end(): void;
}

export interface XmlRules {
  /** Refuses comments too (RFC 6120 11.1); else they are dropped. */
  readonly refuseComments?: boolean;
}

const XMLNS = 'http://www.w3.org/2000/xmlns/';

/** The one parser of the house. Well-formed XML 1.0 with namespaces only: no DTD, no entities but the five, bounded. */
export function createXmlStream(
  handler: XmlHandler,
  limits: XmlLimits = DEFAULT_XML_LIMITS,
  rules: XmlRules = {},
): XmlStream {
  // A document that calls itself XML 1.1 is held to 1.0: our writer could not hand its control characters on.
  const parser = new SaxesParser({ xmlns: true, position: false, defaultXMLVersion: '1.0', forceXMLVersion: true });
  let depth = 0;
  let count = 0;
  let attributeCount = 0;
  hear(parser, {
    // A handler's own error does not come by here: it travels through the parser untouched.
    error(error) {
      throw malformed(error);
    },
    doctype() {
      throw new XmlError('xml.dtd', 'a document type declaration is not allowed');
    },
    processingInstruction() {
      throw new XmlError('xml.processing-instruction', 'a processing instruction is not allowed');
    },
    comment() {
      if (rules.refuseComments === true) throw new XmlError('xml.comment', 'a comment is not allowed');
    },
    declaration({ encoding }) {
      handler.declaration?.(encoding);
    },
    openTagStart() {
      depth += 1;
      count += 1;
      attributeCount = 0;
      if (depth > limits.depth) throw new XmlError('xml.too-deep', `elements nest deeper than ${limits.depth}`);
      if (count > limits.elements) throw new XmlError('xml.too-many-elements', `more than ${limits.elements} elements`);
    },
    attribute() {
      attributeCount += 1;
      if (attributeCount > limits.attributesPerElement) {
        throw new XmlError(
          'xml.too-many-attributes',
          `more than ${limits.attributesPerElement} attributes on an element`,
        );
      }
    },
    openTag(tag) {
      if (tag.uri === XMLNS) {
        throw new XmlError('xml.malformed', 'not well-formed XML: an element has the prefix xmlns');
      }
      handler.open(tag.uri, tag.local, ownAttributes(tag.attributes));
    },
    text(text) {
      handler.text(text);
    },
    closeTag(tag) {
      depth -= 1;
      handler.close(tag.uri, tag.local);
    },
  });
  return {
    write(text) {
      parser.write(text);
    },
    countAnew() {
      count = 0;
    },
    end() {
      parser.close();
    },
  };
}

interface SaxesEvents {
  error(error: Error): void;
  doctype(): void;
  processingInstruction(): void;
  comment(): void;
  declaration(declaration: { readonly encoding?: string | undefined }): void;
  openTagStart(): void;
  attribute(): void;
  openTag(tag: SaxesTagNS): void;
  text(text: string): void;
  closeTag(tag: SaxesTagNS): void;
}

/**
 * What `parser.on` does for each event. NOTE: `on` stores by a computed name, and after a few of those V8 turns the parser
 * into a dictionary: twice the memory, and each of the parser's own fields is then looked up by hash.
 */
function hear(parser: SaxesParser, events: SaxesEvents): void {
  const slots = parser as unknown as Record<string, unknown>;
  slots.errorHandler = events.error;
  slots.doctypeHandler = events.doctype;
  slots.piHandler = events.processingInstruction;
  slots.commentHandler = events.comment;
  slots.xmldeclHandler = events.declaration;
  slots.openTagStartHandler = events.openTagStart;
  slots.attributeHandler = events.attribute;
  slots.openTagHandler = events.openTag;
  slots.textHandler = events.text;
  slots.cdataHandler = events.text;
  slots.closeTagHandler = events.closeTag;
}

const NO_ATTRIBUTES: readonly XmlAttribute[] = [];

function ownAttributes(attributes: Record<string, SaxesAttributeNS>): readonly XmlAttribute[] {
  let found: XmlAttribute[] | undefined;
  for (const name in attributes) {
    const each = attributes[name] as SaxesAttributeNS;
    if (each.uri === XMLNS) continue;
    found ??= [];
    found.push({ uri: each.uri, local: each.local, value: each.value });
  }
  return found ?? NO_ATTRIBUTES;
}

function malformed(error: Error): XmlError {
  return new XmlError('xml.malformed', `not well-formed XML: ${error.message.replace(/^\d+:\d+: /, '')}`);
}

interface MutableElement extends XmlElement {
  readonly children: (XmlElement | string)[];
}

/** Builds trees out of events; used for whole documents, rows and stanzas alike. */
export function createTreeBuilder(onRoot: (root: XmlElement) => void): XmlHandler {
  const stack: MutableElement[] = [];
  return {
    open(uri, local, attributes) {
      const made: MutableElement = { uri, local, attributes, children: [] };
      stack.at(-1)?.children.push(made);
      stack.push(made);
    },
    text(text) {
      const parent = stack.at(-1);
      if (!parent || text === '') return;
      const last = parent.children.length - 1;
      const previous = parent.children[last];
      // Text split by a comment or CDATA is one text.
      if (typeof previous === 'string') parent.children[last] = previous + text;
      else parent.children.push(text);
    },
    close() {
      const done = stack.pop();
      if (done && stack.length === 0) onRoot(done);
    },
  };
}

/**
 * Parses a whole small document into a tree.
 * @throws XmlError when it is not well-formed, holds a DTD or a processing instruction, or passes a limit.
 */
export function parseXml(text: string, limits: XmlLimits = DEFAULT_XML_LIMITS): XmlElement {
  let root: XmlElement | undefined;
  const stream = createXmlStream(
    createTreeBuilder((done) => {
      root = done;
    }),
    limits,
  );
  stream.write(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  stream.end();
  if (!root) throw new XmlError('xml.malformed', 'not well-formed XML: no root element');
  return root;
}
