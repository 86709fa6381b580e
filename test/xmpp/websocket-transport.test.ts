import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import {
  createSaslServer,
  createWebSocketTransport,
  DEFAULT_TRANSPORT_LIMITS,
  NS,
  parseJid,
  type ServerStream,
  type StreamEnd,
  serveStream,
  type WebSocketLike,
  withResource,
} from '../../src/xmpp/xmpp.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';

/** One end of a WebSocket: what is sent is kept, what arrives is emitted. */
class FakeSocket extends EventEmitter implements WebSocketLike {
  readonly sent: string[] = [];
  bufferedAmount = 0;
  isOpen = true;
  isPaused = false;
  #done: (() => void)[] = [];

  send(text: string, done: (error?: Error) => void): void {
    this.sent.push(text);
    this.#done.push(done);
  }
  close(): void {
    this.isOpen = false;
  }
  terminate(): void {
    this.isOpen = false;
    this.emit('close');
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  arrive(...frames: readonly string[]): void {
    for (const frame of frames) this.emit('message', Buffer.from(frame), false);
  }
  taken(): void {
    this.bufferedAmount = 0;
    for (const done of this.#done.splice(0)) done();
  }
}

const OPEN = `<open xmlns="${NS.framing}" to="acme.example" version="1.0"/>`;
const AUTH = `<auth xmlns="${NS.sasl}" mechanism="PLAIN">${Buffer.from('\0alice\0x').toString('base64')}</auth>`;
const BIND = `<iq xmlns="jabber:client" id="1" type="set"><bind xmlns="${NS.bind}"><resource>web</resource></bind></iq>`;

function serve(): { socket: FakeSocket; clock: FakeClock; stream: ServerStream; ends: StreamEnd[]; heard: string[] } {
  const socket = new FakeSocket();
  const clock = new FakeClock();
  const ends: StreamEnd[] = [];
  const heard: string[] = [];
  const stream = serveStream(
    createWebSocketTransport(socket, { clock, isSecure: true }),
    {
      sasl: () => createSaslServer({ checkPassword: async () => parseJid('alice@acme.example') }),
      sessionFeatures: () => [],
      bind: async (user, resource) => withResource(user, resource ?? 'x'),
      established: () => undefined,
      stanza: (element) => void heard.push(element.local),
      management: () => undefined,
      closed: (end) => void ends.push(end),
    },
    {
      policy: { kind: 'client', hosts: () => true, offersTls: false, requiresTls: true, maxFailures: 3 },
      clock,
      negotiationMs: 30_000,
      stanzaBytes: 262_144,
    },
  );
  return { socket, clock, stream, ends, heard };
}

describe('a stream over a WebSocket', () => {
  it('leads from opening to a session, and to its orderly end', async () => {
    const { socket, stream, ends, heard } = serve();
    socket.arrive(OPEN);
    assert.match(socket.sent[0] ?? '', /^<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="acme.example" id="/);
    assert.match(socket.sent[1] ?? '', /^<stream:features xmlns:stream="[^"]*"><mechanisms/);
    socket.arrive(AUTH);
    await turn();
    assert.equal(socket.sent[2], `<success xmlns="${NS.sasl}"/>`);
    socket.arrive(OPEN, BIND);
    await turn();
    assert.equal(stream.jid?.full, 'alice@acme.example/web');
    socket.arrive('<message xmlns="jabber:client"/>', `<close xmlns="${NS.framing}"/>`);
    assert.deepEqual(heard, ['message']);
    assert.equal(socket.sent.at(-1), `<close xmlns="${NS.framing}"/>`);
    socket.emit('close');
    assert.equal(ends[0]?.isOrderly, true);
  });

  it('reads nothing while a look-up is under way, and loses nothing', async () => {
    const { socket, stream, heard } = serve();
    socket.arrive(OPEN, AUTH, OPEN, BIND, '<presence xmlns="jabber:client"/>');
    assert.equal(socket.isPaused, true);
    await turn();
    assert.deepEqual(heard, ['presence']);
    assert.ok(stream.transport.bytesRead > OPEN.length);
    assert.equal(socket.isPaused, false);
  });

  it('ends at a rule that is broken, with the reason in a frame of its own', () => {
    for (const [frame, condition] of [
      ['<a>', 'not-well-formed'],
      ['x', 'bad-format'],
      ['<!DOCTYPE a><a/>', 'restricted-xml'],
    ] as const) {
      const { socket } = serve();
      socket.arrive(OPEN, frame);
      assert.match(socket.sent.at(-2) ?? '', new RegExp(`^<stream:error xmlns:stream="[^"]*"><${condition} `));
      assert.equal(socket.sent.at(-1), `<close xmlns="${NS.framing}"/>`);
      assert.equal(socket.isOpen, false);
    }
  });

  it('refuses frames of bytes', () => {
    const { socket } = serve();
    socket.emit('message', Buffer.from(OPEN), true);
    assert.match(socket.sent.at(-2) ?? '', /bad-format/);
  });

  it('ends when nobody signs in in time', async () => {
    const { socket, clock, ends } = serve();
    socket.arrive(OPEN);
    await clock.advance(30_000);
    assert.match(socket.sent.at(-2) ?? '', /connection-timeout/);
    await clock.advance(DEFAULT_TRANSPORT_LIMITS.patienceMs);
    assert.equal(ends[0]?.error?.condition, 'connection-timeout');
    assert.equal(clock.pending, 0);
  });

  it('says when the other side is slow, and gives it up at a bound', async () => {
    const { socket, stream } = serve();
    socket.arrive(OPEN);
    socket.bufferedAmount = 100_000;
    assert.equal(stream.transport.isFull, true);
    let isDrained = false;
    stream.transport.send('<a/>');
    const drained = stream.transport.whenDrained().then(() => {
      isDrained = true;
    });
    await turn();
    assert.equal(isDrained, false);
    socket.taken();
    await drained;
    socket.bufferedAmount = DEFAULT_TRANSPORT_LIMITS.writeBytes + 1;
    stream.transport.send('<b/>');
    assert.equal(socket.isOpen, false);
  });
});
