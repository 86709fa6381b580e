import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';

/** What one round of load saw. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds of each request, in no order. */
  readonly times: Float64Array;
}

export interface LoadTarget {
  readonly port: number;
  readonly ca: string;
  /** Sent one after the other, in turns; the answers to all are equally long. */
  readonly requests: readonly Buffer[];
  readonly answerBytes: number;
}

/** The whole answer to one request, as octets: what every later answer must be as long as. */
export async function answerOf(port: number, ca: string, request: Buffer): Promise<Buffer> {
  const socket = await open(port, createSecureContext({ ca }));
  const chunks: Buffer[] = [];
  try {
    return await new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        const all = Buffer.concat(chunks);
        if (isWhole(all)) resolve(all);
      });
      socket.write(request);
    });
  } finally {
    socket.destroy();
  }
}

const MAX_TIMES = 1_000_000;

/**
 * Sends requests over and over on kept connections, one at a time on each. It counts octets instead of parsing answers,
 * so that it costs little beside the server that it measures.
 */
export async function load(target: LoadTarget, connections: number, ms: number): Promise<Load> {
  const context = createSecureContext({ ca: target.ca });
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(target.port, context)));
  const times = new Float64Array(MAX_TIMES);
  const began = performance.now();
  const end = began + ms;
  let sent = 0;
  let answered = 0;
  const next = (): Buffer => {
    sent += 1;
    return target.requests[sent % target.requests.length] as Buffer;
  };
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let left = target.answerBytes;
          let sentAt = performance.now();
          socket.on('error', reject);
          socket.on('data', (chunk: Buffer) => {
            left -= chunk.length;
            if (left > 0) return;
            if (left < 0) {
              reject(new Error('an answer was longer than the first one'));
              return;
            }
            const now = performance.now();
            times[answered] = now - sentAt;
            answered += 1;
            if (now >= end || answered === MAX_TIMES) {
              resolve();
              return;
            }
            left = target.answerBytes;
            sentAt = now;
            socket.write(next());
          });
          socket.write(next());
        }),
    ),
  );
  const seconds = (performance.now() - began) / 1_000;
  for (const socket of sockets) socket.destroy();
  return { requests: answered, seconds, times: times.subarray(0, answered) };
}

/** The value that a share of all values does not pass. */
export function quantile(values: Float64Array | readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function open(port: number, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', secureContext }, () => resolve(socket));
    socket.once('error', reject);
  });
}

function isWhole(answer: Buffer): boolean {
  const head = answer.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const text = answer.subarray(0, head).toString('latin1');
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  // `soap` answers in chunks; the last one is empty.
  return length === undefined
    ? answer.subarray(-5).toString() === '0\r\n\r\n'
    : answer.length >= head + 4 + Number(length);
}
