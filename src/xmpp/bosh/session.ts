import { randomBytes } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { type Framing, webSocketFraming } from '../framing.ts';
import { NS } from '../namespaces.ts';
import { NO_CHANNEL_BINDINGS } from '../sasl/channel-binding.ts';
import { StreamError } from '../stream-error.ts';
import type { StreamHeader } from '../stream-header.ts';
import {
  DEFAULT_TRANSPORT_LIMITS,
  type Transport,
  type TransportLimits,
  type TransportListener,
} from '../transport.ts';
import { type BoshBody, type TerminalCondition, terminateBody, writeBoshBody } from './body.ts';

/** The answer to one request; called once. */
export interface BoshReply {
  send(body: string): void;
}

/** A stream carried by requests and their answers (XEP-0124, XEP-0206). */
export interface BoshSession {
  readonly sid: string;
  readonly transport: Transport;
  /** Bytes that a request may have now. */
  readonly maxBytes: number;
  /** A request of the session, the first one too; each is answered, some time. */
  request(body: BoshBody, bytes: number, reply: BoshReply): void;
  /** Nobody waits for this answer any more; the client may ask for it again. */
  abandon(reply: BoshReply): void;
}

export interface BoshSessionOptions {
  readonly clock: Clock;
  readonly limits?: TransportLimits;
  /** Most seconds that a request is held. */
  readonly waitSeconds: number;
  /** Seconds that a session lives without a request. */
  readonly inactivitySeconds: number;
  /** Once, when the session is over. */
  readonly onOver: () => void;
}

interface Held {
  readonly rid: number;
  reply: BoshReply | undefined;
  readonly timer: Disposable;
}

type Said =
  | { readonly kind: 'opened'; readonly header: StreamHeader }
  | { readonly kind: 'element'; readonly element: BoshBody['elements'][number] }
  | { readonly kind: 'closed' };

/** Requests that the server holds at once (XEP-0124 7.1); one more is being sent meanwhile. */
const MOST_HELD = 1;
const HIGH_WATER_BYTES = 64 * 1024;
const VERSION = '1.6';

/** A session for the client whose first request is `first`; hand that one to `request` when somebody listens. */
export function createBoshSession(first: BoshBody, options: BoshSessionOptions): BoshSession {
  const { clock, limits = DEFAULT_TRANSPORT_LIMITS } = options;
  const sid = randomBytes(18).toString('base64url');
  const hold = Math.min(first.hold, MOST_HELD);
  const wait = Math.min(first.wait, options.waitSeconds);
  const window = hold + 1;
  /** Of the request that is handled next: they count, whatever order they arrive in. */
  let next = first.rid;
  const early = new Map<number, { readonly body: BoshBody; readonly bytes: number; reply: BoshReply | undefined }>();
  let held: Held[] = [];
  const answers = new Map<number, string>();
  let said: Said[] = [];
  let out: string[] = [];
  let outBytes = 0;
  let bytesRead = 0;
  let maxBytes = limits.firstStanzaBytes;
  let opening: StreamHeader | undefined;
  let listener: TransportListener | undefined;
  // Until somebody listens.
  let isPaused = true;
  let isEnding = false;
  let isOver = false;
  let isFlushing = false;
  let condition: TerminalCondition | undefined;
  let drains: (() => void)[] = [];
  let idle: Disposable | undefined;

  const written = webSocketFraming();
  const framing: Framing = {
    kind: 'bosh',
    open(header) {
      opening = header;
      return '';
    },
    element(element) {
      if (element.uri === NS.stream && element.local === 'error') condition = 'remote-stream-error';
      return written.element(element);
    },
    close: () => '',
  };

  const release = (): void => {
    if (!isOver && outBytes > HIGH_WATER_BYTES) return;
    const released = drains;
    drains = [];
    for (const resolve of released) resolve();
  };

  const over = (): void => {
    if (isOver) return;
    isOver = true;
    isEnding = true;
    idle?.[Symbol.dispose]();
    for (const each of held) each.timer[Symbol.dispose]();
    const waiting = [...held, ...early.values()];
    held = [];
    early.clear();
    for (const { reply } of waiting) reply?.send(terminateBody(condition));
    release();
    options.onOver();
    listener?.gone();
  };

  /** Counts from when no request is waiting for an answer. */
  const watchIdle = (): void => {
    if (isOver || held.some(({ reply }) => reply !== undefined)) {
      idle?.[Symbol.dispose]();
      idle = undefined;
      return;
    }
    idle ??= clock.schedule(options.inactivitySeconds * 1_000, over);
  };

  const firstAttributes = (): Readonly<Record<string, string | number | undefined>> => ({
    sid,
    wait,
    requests: window,
    hold,
    inactivity: options.inactivitySeconds,
    polling: 5,
    ver: VERSION,
    from: opening?.from ?? undefined,
    authid: opening?.id ?? undefined,
    'xmpp:version': '1.0',
    'xmpp:restartlogic': 'true',
  });

  const answer = ({ rid, reply, timer }: Held, inner: string, isLast: boolean): void => {
    timer[Symbol.dispose]();
    const attributes = rid === first.rid ? firstAttributes() : {};
    const body = isLast ? terminateBody(condition, inner) : writeBoshBody(attributes, inner);
    answers.set(rid, body);
    // A client asks again for what is within its window only.
    for (const old of answers.keys()) if (old <= rid - window) answers.delete(old);
    reply?.send(body);
  };

  const takeOut = (): string => {
    const inner = out.join('');
    out = [];
    outBytes = 0;
    return inner;
  };

  const flush = (): void => {
    isFlushing = false;
    if (isOver) return;
    const isPolling = hold === 0 || wait === 0;
    while (held.length > 0 && (isEnding || out.length > 0 || held.length > hold || isPolling)) {
      answer(held.shift() as Held, takeOut(), isEnding);
      if (isEnding) {
        over();
        return;
      }
    }
    release();
    watchIdle();
  };

  /** What belongs together goes out in one answer. */
  const flushSoon = (): void => {
    if (isFlushing) return;
    isFlushing = true;
    setImmediate(flush);
  };

  const fail = (error: unknown): void => {
    isPaused = true;
    said = [];
    listener?.failed(error);
  };

  const tell = (what: Said): void => {
    if (what.kind === 'opened') listener?.opened(what.header);
    else if (what.kind === 'element') listener?.element(what.element);
    else listener?.closed();
  };

  const read = (): void => {
    while (!isPaused && !isEnding && said.length > 0) {
      try {
        tell(said.shift() as Said);
      } catch (error) {
        fail(error);
      }
    }
  };

  const take = (body: BoshBody, bytes: number, reply: BoshReply | undefined): void => {
    const { rid } = body;
    next = rid + 1;
    bytesRead += bytes;
    // Answers go out in the order of their requests: what waits longest is answered first.
    const timer = clock.schedule(wait * 1_000, () => {
      while (held[0] !== undefined && held[0].rid <= rid) answer(held.shift() as Held, takeOut(), false);
      watchIdle();
    });
    held.push({ rid, reply, timer });
    if (rid === first.rid || body.isRestart) {
      said.push({ kind: 'opened', header: { ...body.header, to: body.header.to ?? first.header.to } });
    }
    for (const element of body.elements) said.push({ kind: 'element', element });
    if (body.isTermination) said.push({ kind: 'closed' });
    read();
    flushSoon();
  };

  /** A request that was there before: its connection broke, or its answer was lost. */
  const again = (rid: number, reply: BoshReply): boolean => {
    const known = answers.get(rid);
    if (known !== undefined) {
      reply.send(known);
      return true;
    }
    const waiting = held.find((each) => each.rid === rid) ?? early.get(rid);
    if (waiting === undefined) return false;
    waiting.reply?.send(writeBoshBody({}, ''));
    waiting.reply = reply;
    watchIdle();
    return true;
  };

  const transport: Transport = {
    framing,
    // The HTTP server below speaks TLS, or a proxy in front of it does.
    isSecure: true,
    bindings: NO_CHANNEL_BINDINGS,
    peer: null,
    get bytesRead() {
      return bytesRead;
    },
    listen(given) {
      listener = given;
      isPaused = false;
      read();
    },
    send(text) {
      if (isOver || isEnding) return false;
      if (text === '') return true;
      out.push(text);
      outBytes += Buffer.byteLength(text);
      flushSoon();
      if (outBytes > limits.writeBytes) {
        fail(new StreamError('resource-constraint', 'the other side does not read'));
        over();
      }
      return outBytes <= HIGH_WATER_BYTES;
    },
    get isFull() {
      return outBytes > HIGH_WATER_BYTES;
    },
    whenDrained() {
      if (isOver || outBytes <= HIGH_WATER_BYTES) return Promise.resolve();
      return new Promise((resolve) => drains.push(resolve));
    },
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      read();
    },
    restart: () => undefined,
    setLimit(stanzaBytes) {
      maxBytes = stanzaBytes;
    },
    startTls() {
      return Promise.reject(new StreamError('policy-violation', 'TLS belongs to the transport below'));
    },
    end(last) {
      if (isEnding || isOver) return;
      if (last !== undefined && last !== '') out.push(last);
      isEnding = true;
      said = [];
      flushSoon();
    },
    destroy: over,
  };

  return {
    sid,
    transport,
    get maxBytes() {
      return maxBytes;
    },
    request(body, bytes, reply) {
      const { rid } = body;
      if (isOver || (rid < next && !again(rid, reply)) || rid >= next + window) {
        // XEP-0124 14.2: a request outside the window ends the session.
        reply.send(terminateBody('item-not-found'));
        condition ??= 'item-not-found';
        over();
        return;
      }
      if (rid < next || (early.has(rid) && again(rid, reply))) return;
      early.set(rid, { body, bytes, reply });
      for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
        early.delete(next);
        take(ready.body, ready.bytes, ready.reply);
      }
    },
    abandon(reply) {
      for (const each of [...held, ...early.values()]) if (each.reply === reply) each.reply = undefined;
      watchIdle();
    },
  };
}
