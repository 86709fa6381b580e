import type { XmlElement } from '../xml/element.ts';
import { XmlError } from '../xml/errors.ts';
import { createTreeBuilder, createXmlStream } from '../xml/parse.ts';
import { isElement } from './elements.ts';
import { NS } from './namespaces.ts';
import { StreamError, toStreamError } from './stream-error.ts';
import { readStreamHeader } from './stream-header.ts';
import { DEFAULT_STREAM_LIMITS, type StreamLimits, type StreamListener } from './stream-reader.ts';

/** Reads the frames of RFC 7395: each is one whole element. The listener hears the same as from a TCP stream. */
export interface FrameReader {
  /** @throws StreamError */
  push(frame: string): void;
  setLimit(stanzaBytes: number): void;
}

export function createFrameReader(listener: StreamListener, limits: StreamLimits = DEFAULT_STREAM_LIMITS): FrameReader {
  let limit = limits.stanzaBytes;
  return {
    push(frame) {
      if (frame.length > limit || Buffer.byteLength(frame) > limit) {
        throw new StreamError('policy-violation', `a frame is larger than ${limit} bytes`);
      }
      const root = parseFrame(frame, limits);
      if (isElement(root, NS.framing, 'open')) listener.opened(readStreamHeader(root, 'websocket'));
      else if (isElement(root, NS.framing, 'close')) listener.closed();
      else if (isElement(root, NS.stream, 'stream')) {
        throw new StreamError('invalid-namespace', 'on a WebSocket a stream begins with the element open');
      } else listener.element(root);
    },
    setLimit(stanzaBytes) {
      limit = stanzaBytes;
    },
  };
}

function parseFrame(frame: string, limits: StreamLimits): XmlElement {
  // RFC 7395 3.3.3: the first character of a frame is the opening of its element.
  if (!frame.startsWith('<')) throw new StreamError('bad-format', 'a frame begins with an element');
  let root: XmlElement | undefined;
  const builder = createTreeBuilder((done) => {
    root = done;
  });
  try {
    const xml = createXmlStream(builder, limits.xml, { refuseComments: true });
    xml.write(frame);
    xml.end();
  } catch (error) {
    throw error instanceof XmlError ? toStreamError(error) : error;
  }
  if (root === undefined) throw new StreamError('bad-format', 'a frame holds an element');
  return root;
}
