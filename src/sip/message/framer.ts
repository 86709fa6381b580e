import { malformed } from '../errors.ts';
import { DEFAULT_SIP_LIMITS, type SipLimits } from '../limits.ts';
import type { SipMessage } from './message.ts';
import { failure, finish, type ParsedHead, parseHead, SipParseError, tooLarge } from './parse.ts';

/** What comes out of a stream. */
export type Frame =
  | { readonly kind: 'message'; readonly message: SipMessage }
  /** The message is refused, the stream goes on with the next one. */
  | { readonly kind: 'refused'; readonly error: SipParseError }
  /** Nobody knows where the next message begins: answer if possible, then close. */
  | { readonly kind: 'broken'; readonly error: SipParseError }
  /** Double CR LF between messages: answer with one (RFC 5626 4.4.1). */
  | { readonly kind: 'ping' }
  /** A single CR LF between messages. */
  | { readonly kind: 'pong' };

/** Cuts a stream into messages by their Content-Length (RFC 3261 18.3). */
export interface StreamFramer {
  /** The bytes may be overwritten once this returns. After `broken` nothing more comes out. */
  write(chunk: Buffer): readonly Frame[];
  /** Whether the beginning of a message waits for its rest. */
  readonly isInside: boolean;
}

const CRLF_CRLF = Buffer.from('\r\n\r\n');
const FIRST_CAPACITY = 4096;

export function createStreamFramer(limits: SipLimits = DEFAULT_SIP_LIMITS): StreamFramer {
  let buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  let from = 0;
  let to = 0;
  /** How far the search for the empty line has come, so that a message in many pieces is searched once. */
  let searched = 0;
  let head: ParsedHead | undefined;
  let headEnd = 0;
  let isBroken = false;

  const append = (chunk: Buffer): void => {
    const held = to - from;
    if (to + chunk.length > buffer.length) {
      const needed = held + chunk.length;
      const target = needed <= buffer.length / 2 ? buffer : Buffer.allocUnsafe(Math.max(needed, buffer.length * 2));
      buffer.copy(target, 0, from, to);
      buffer = target;
      searched -= from;
      headEnd -= from;
      from = 0;
      to = held;
    }
    chunk.copy(buffer, to);
    to += chunk.length;
  };

  const skipTo = (place: number): void => {
    from = place;
    searched = place;
    head = undefined;
  };

  const broken = (error: SipParseError): Frame => {
    isBroken = true;
    return { kind: 'broken', error };
  };

  /** The next frame, or undefined when more bytes are needed. */
  const next = (): Frame | undefined => {
    if (head === undefined) {
      if (to - from >= 2 && buffer[from] === 13 && buffer[from + 1] === 10) {
        const isDouble = to - from >= 4 && buffer[from + 2] === 13 && buffer[from + 3] === 10;
        skipTo(from + (isDouble ? 4 : 2));
        return { kind: isDouble ? 'ping' : 'pong' };
      }
      headEnd = buffer.subarray(0, to).indexOf(CRLF_CRLF, Math.max(from, searched - 3));
      searched = to;
      if (headEnd < 0) {
        return to - from > limits.messageBytes ? broken(new SipParseError(tooLarge(), undefined)) : undefined;
      }
      head = parseHead(buffer.subarray(from, headEnd), limits);
    }
    const { contentLength } = head;
    if (contentLength === undefined) {
      return broken(failure(head.problem ?? malformed('Content-Length header', 'a stream needs it'), head));
    }
    const bodyStart = headEnd + 4;
    const end = bodyStart + contentLength;
    if (end - from > limits.messageBytes) return broken(failure(tooLarge(), head));
    if (end > to) return undefined;
    const done = head;
    const body = Buffer.from(buffer.subarray(bodyStart, end));
    skipTo(end);
    try {
      return { kind: 'message', message: finish(done, body) };
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      return done.areLinesClean ? { kind: 'refused', error } : broken(error);
    }
  };

  return {
    write(chunk) {
      const frames: Frame[] = [];
      if (isBroken) return frames;
      append(chunk);
      while (!isBroken) {
        const frame = next();
        if (frame === undefined) break;
        frames.push(frame);
      }
      if (from === to && buffer.length > FIRST_CAPACITY * 4) buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
      if (from === to) {
        from = 0;
        to = 0;
        searched = 0;
      }
      return frames;
    },
    get isInside() {
      return to > from;
    },
  };
}
