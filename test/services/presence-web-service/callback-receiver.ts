import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** An application's own endpoint: hears callbacks, and answers as it is told. */
export interface CallbackReceiver extends AsyncDisposable {
  readonly url: string;
  /** Method and target of every call so far. */
  readonly calls: readonly string[];
  /** Resolves with the next call that nobody has taken yet. */
  next(): Promise<string>;
  /** Calls that nobody has taken. */
  readonly untaken: number;
  /** How it answers from now on; until told: 200. */
  answer(how: (response: ServerResponse) => void): void;
  /** Takes no connections any more, and cuts those there are. */
  goDown(): Promise<void>;
  /** Takes connections again, at the same address. */
  comeBack(): Promise<void>;
}

export async function openReceiver(
  tls?: { readonly key: string; readonly cert: string },
  host = '127.0.0.1',
): Promise<CallbackReceiver> {
  const calls: string[] = [];
  const untaken: string[] = [];
  const waiting: ((call: string) => void)[] = [];
  let how = (response: ServerResponse): void => void response.end();
  const serve: RequestListener = (request, response) => {
    const call = `${request.method} ${request.url}`;
    calls.push(call);
    how(response);
    const taker = waiting.shift();
    if (taker) taker(call);
    else untaken.push(call);
  };
  const server = tls ? createHttpsServer({ key: tls.key, cert: tls.cert }, serve) : createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const goDown = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `${tls ? 'https' : 'http'}://${host}:${port}/notify`,
    calls,
    next: () => {
      const call = untaken.shift();
      return call === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(call);
    },
    get untaken() {
      return untaken.length;
    },
    answer: (wanted) => {
      how = wanted;
    },
    goDown,
    comeBack: () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve)),
    [Symbol.asyncDispose]: goDown,
  };
}
