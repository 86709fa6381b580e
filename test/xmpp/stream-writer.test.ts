import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createStreamWriter } from '../../src/xmpp/stream-writer.ts';
import { turn } from '../support/fake-clock.ts';

/** A peer that takes a piece only when it is told to. */
class SlowPeer extends Writable {
  readonly pieces: string[] = [];
  #next: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 100, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.pieces.push(String(chunk));
    this.#next = done;
  }

  take(): void {
    const next = this.#next;
    this.#next = undefined;
    next?.();
  }
}

describe('writing a stream', () => {
  it('sends what is said in one turn in one piece', async () => {
    const peer = new SlowPeer();
    const writer = createStreamWriter(peer, { maxBytes: 1000, onOverflow: () => assert.fail() });
    writer.write('<a/>');
    writer.write('<b/>');
    assert.deepEqual(peer.pieces, []);
    await turn();
    assert.deepEqual(peer.pieces, ['<a/><b/>']);
  });

  it('says when the peer is slow, and when it has caught up', async () => {
    const peer = new SlowPeer();
    const writer = createStreamWriter(peer, { maxBytes: 1000, onOverflow: () => assert.fail() });
    assert.equal(writer.write('x'.repeat(90)), true);
    assert.equal(writer.write('x'.repeat(90)), false);
    await turn();
    let isDrained = false;
    const drained = writer.whenDrained().then(() => {
      isDrained = true;
    });
    await turn();
    assert.equal(isDrained, false);
    peer.take();
    await drained;
    assert.equal(writer.isFull, false);
  });

  it('gives up on a peer that does not read, once', async () => {
    let overflows = 0;
    const peer = new SlowPeer();
    const writer = createStreamWriter(peer, { maxBytes: 1000, onOverflow: () => (overflows += 1) });
    for (let index = 0; index < 30; index += 1) {
      writer.write('x'.repeat(90));
      await turn();
    }
    assert.equal(overflows, 1);
    assert.ok(writer.waiting <= 1000);
  });

  it('sends what waits before it ends', async () => {
    const peer = new SlowPeer();
    const writer = createStreamWriter(peer, { maxBytes: 1000, onOverflow: () => assert.fail() });
    writer.write('<a/>');
    writer.end('</stream:stream>');
    assert.deepEqual(peer.pieces, ['<a/></stream:stream>']);
    assert.equal(writer.write('<b/>'), false);
    peer.take();
    await turn();
    assert.equal(peer.writableFinished, true);
  });

  it('lets nobody wait for a connection that is gone', async () => {
    const peer = new SlowPeer();
    const writer = createStreamWriter(peer, { maxBytes: 10_000, onOverflow: () => assert.fail() });
    writer.write('x'.repeat(500));
    const drained = writer.whenDrained();
    peer.destroy();
    await drained;
    assert.equal(writer.write('y'), false);
  });
});
