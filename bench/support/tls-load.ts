import { connect, type TLSSocket } from 'node:tls';

/** What one round of load saw. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
}

/** The whole answer to one request, as octets: what every later answer must be as long as. */
export async function answerOf(port: number, ca: string, request: Buffer): Promise<Buffer> {
  const socket = await open(port, ca);
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

/**
 * Sends the same request over and over on kept connections, one at a time on each. It counts octets instead of parsing
 * answers, so that it costs little beside the server that it measures.
 */
export async function load(
  target: { readonly port: number; readonly ca: string; readonly request: Buffer; readonly answerBytes: number },
  connections: number,
  ms: number,
): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(target.port, target.ca)));
  const began = performance.now();
  const end = began + ms;
  let requests = 0;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let left = target.answerBytes;
          socket.on('error', reject);
          socket.on('data', (chunk: Buffer) => {
            left -= chunk.length;
            if (left > 0) return;
            if (left < 0) {
              reject(new Error('an answer was longer than the first one'));
              return;
            }
            requests += 1;
            if (performance.now() >= end) {
              resolve();
              return;
            }
            left = target.answerBytes;
            socket.write(target.request);
          });
          socket.write(target.request);
        }),
    ),
  );
  const seconds = (performance.now() - began) / 1_000;
  for (const socket of sockets) socket.destroy();
  return { requests, seconds };
}

function open(port: number, ca: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca }, () => resolve(socket));
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
