import type { XmlElement } from '../xml/element.ts';
import { XmlError } from '../xml/errors.ts';
import { DEFAULT_XML_LIMITS, type XmlLimits } from '../xml/limits.ts';
import { createTreeBuilder, createXmlStream, type XmlStream } from '../xml/parse.ts';
import { translate } from './framing.ts';
import { NS } from './namespaces.ts';
import { StreamError, toStreamError } from './stream-error.ts';
import { type ContentNamespace, readStreamHeader, type StreamHeader } from './stream-header.ts';
import { createUtf8Reader } from './utf8.ts';

/** What a stream says, in order. */
export interface StreamListener {
  opened(header: StreamHeader): void;
  /** A child of the stream, whole: a stanza (always in `jabber:client`) or an element of negotiation. */
  element(element: XmlElement): void;
  /** `</stream:stream>`. */
  closed(): void;
}

export interface StreamLimits {
  /** Bytes from the end of one child of the stream to the end of the next, markup included. */
  readonly stanzaBytes: number;
  readonly xml: XmlLimits;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = { stanzaBytes: 256 * 1024, xml: DEFAULT_XML_LIMITS };

export interface StreamReader {
  /**
   * Reads what arrived. Listeners are called within; what they throw comes out untouched.
   * @throws StreamError the reader is then dead.
   */
  push(bytes: Uint8Array): void;
  /** Stops before the next child of the stream; bytes that arrive meanwhile wait, and are bounded like a stanza. */
  pause(): void;
  /** Reads on, what waited first. @throws StreamError as `push` does. */
  resume(): void;
  /** A new stream begins with the next byte that is read (RFC 6120 4.3.3). Only from within a listener, or paused. */
  restart(): void;
  /** Whether something was sent that has not been read: after STARTTLS that is an attack (RFC 6120 5.4.3.3). */
  readonly hasPending: boolean;
  /** From now on for each stanza; a stream that nobody signed in on may say less. */
  setLimit(stanzaBytes: number): void;
}

const WHITE_SPACE = /^[ \t\r\n]*$/;

/** A streaming reader of RFC 6120 section 11: UTF-8, no comments, processing instructions, DTD or entities; bounded. */
export function createStreamReader(
  listener: StreamListener,
  limits: StreamLimits = DEFAULT_STREAM_LIMITS,
  content: ContentNamespace = NS.client,
): StreamReader {
  const utf8 = createUtf8Reader();
  let limit = limits.stanzaBytes;
  let xml = newParser();
  /** Bytes since the last child of the stream ended. */
  let bytes = 0;
  /** Nothing but white space since then: more of it need not reach the parser, which would keep it. */
  let isResting = false;
  let isPaused = false;
  let isReading = false;
  let pending = '';

  function newParser(): XmlStream {
    let depth = 0;
    const ended = (): void => {
      bytes = 0;
      isResting = true;
      parser.countAnew();
    };
    const builder = createTreeBuilder((element) => {
      ended();
      listener.element(content === NS.client ? element : translate(element, content, NS.client));
    });
    const parser = createXmlStream(
      {
        declaration(encoding) {
          if (encoding !== undefined && encoding.toUpperCase() !== 'UTF-8') {
            throw new StreamError('unsupported-encoding', 'a stream is in UTF-8');
          }
        },
        open(uri, local, attributes) {
          depth += 1;
          if (depth > 1) return builder.open(uri, local, attributes);
          const header = readStreamHeader({ uri, local, attributes, children: [] }, 'tcp');
          ended();
          return listener.opened(header);
        },
        text(text) {
          if (depth > 1) builder.text(text);
          else if (!WHITE_SPACE.test(text)) {
            throw new StreamError(depth === 0 ? 'not-well-formed' : 'bad-format', 'text stands between stanzas');
          }
        },
        close(uri, local) {
          depth -= 1;
          if (depth > 0) builder.close(uri, local);
          else listener.closed();
        },
      },
      limits.xml,
      { refuseComments: true },
    );
    return parser;
  }

  const feed = (piece: string): void => {
    if (isResting && WHITE_SPACE.test(piece)) return;
    isResting = false;
    bytes += Buffer.byteLength(piece);
    if (bytes > limit) throw new StreamError('policy-violation', `a stanza is larger than ${limit} bytes`);
    xml.write(piece);
  };

  /**
   * Each piece ends with a tag at the most, so that a child of the stream ends where its piece does: a listener can stop
   * the stream there, or begin a new one.
   */
  const readPending = (): void => {
    while (!isPaused && pending !== '') {
      const end = pending.indexOf('>') + 1;
      const piece = end === 0 ? pending : pending.slice(0, end);
      pending = end === 0 ? '' : pending.slice(end);
      feed(piece);
    }
    if (pending.length > limit) throw new StreamError('policy-violation', 'more was sent than can wait');
  };

  const read = (): void => {
    if (isReading) return;
    isReading = true;
    try {
      readPending();
    } catch (error) {
      pending = '';
      isPaused = true;
      throw error instanceof XmlError ? toStreamError(error) : error;
    } finally {
      isReading = false;
    }
  };

  return {
    push(piece) {
      pending += utf8.read(piece);
      read();
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      read();
    },
    restart() {
      xml = newParser();
      bytes = 0;
      isResting = false;
    },
    get hasPending() {
      return pending !== '';
    },
    setLimit(stanzaBytes) {
      limit = stanzaBytes;
    },
  };
}
