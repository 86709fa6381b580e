import type { Writable } from 'node:stream';

export interface StreamWriterOptions {
  /** Bytes that may wait for a peer that does not read; past it `onOverflow` is called once and nothing more is taken. */
  readonly maxBytes: number;
  onOverflow(): void;
}

/** Writes in batches: what is said in one turn of the event loop leaves in one piece, and in one TLS record. */
export interface StreamWriter {
  /** False when the peer is slow: whoever feeds the stream should wait for `whenDrained`. */
  write(text: string): boolean;
  readonly isFull: boolean;
  /** Bytes that the peer has not taken yet; those of this turn counted as UTF-16 units. */
  readonly waiting: number;
  /** Resolves when the peer has caught up, or the connection is gone. */
  whenDrained(): Promise<void>;
  flush(): void;
  /** Sends what waits and `last`, then ends the connection's own side. */
  end(last?: string): void;
}

export function createStreamWriter(sink: Writable, options: StreamWriterOptions): StreamWriter {
  let batch = '';
  let isScheduled = false;
  let isClosed = false;
  let waiters: (() => void)[] = [];

  const release = (): void => {
    const released = waiters;
    waiters = [];
    for (const resolve of released) resolve();
  };
  sink.on('drain', release);
  sink.on('close', () => {
    isClosed = true;
    batch = '';
    release();
  });

  const flush = (): void => {
    isScheduled = false;
    if (batch === '' || isClosed) return;
    const text = batch;
    batch = '';
    sink.write(text);
  };

  const writer: StreamWriter = {
    write(text) {
      if (isClosed) return false;
      batch += text;
      if (writer.waiting > options.maxBytes) {
        isClosed = true;
        batch = '';
        options.onOverflow();
        return false;
      }
      if (!isScheduled) {
        isScheduled = true;
        setImmediate(flush);
      }
      return !writer.isFull;
    },
    get isFull() {
      return sink.writableNeedDrain || writer.waiting > sink.writableHighWaterMark;
    },
    get waiting() {
      return batch.length + sink.writableLength;
    },
    whenDrained() {
      flush();
      if (isClosed || !sink.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => waiters.push(resolve));
    },
    flush,
    end(last = '') {
      batch += last;
      flush();
      isClosed = true;
      if (!sink.writableEnded) sink.end();
    },
  };
  return writer;
}
