import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ensureCertificates } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createHttpListener, createHttpsListener, type HttpsListener } from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { turn } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/imp-process.ts';

const log = createLog({ level: 'silent' });
const GET = 'GET /held HTTP/1.1\r\nHost: x\r\n\r\n';
const GARBAGE = 'this is no HTTP\r\n\r\n';
const CHUNKED = 'POST /held HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Everything that comes back until the connection is closed. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  for await (const piece of socket) text += piece;
  return text;
}

const statuses = (text: string): string[] => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1] as string);

describe('what is no HTTP', () => {
  let plain: HttpsListener;
  let secure: HttpsListener;
  /** Its clients have a moment for the head of a request. */
  let hurried: HttpsListener;
  let ca: string;
  /** Requests whose answers wait for the test. */
  const held: { readonly request: IncomingMessage; readonly response: ServerResponse }[] = [];
  const hold = (request: IncomingMessage, response: ServerResponse): void => {
    request.on('error', () => undefined);
    request.resume();
    held.push({ request, response });
  };
  before(async () => {
    await using folder = await temporaryFolder();
    const certificates = await ensureCertificates(folder.path, ['127.0.0.1'], systemClock);
    ca = certificates.ca;
    plain = createHttpListener('plain', log);
    secure = createHttpsListener('secure', certificates.node, log);
    hurried = createHttpListener('hurried', log, { times: { headMs: 60, wholeMs: 90_000 } });
    for (const listener of [plain, secure, hurried]) {
      listener.mount('/held', hold);
      listener.mount('/at-once', (_request, response) => void response.end('at once'));
      await listener.listen('127.0.0.1', 0);
    }
  });
  after(async () => {
    await plain.close();
    await secure.close();
    await hurried.close();
  });
  const open = async (listener: HttpsListener): Promise<Socket> => {
    const address = { host: '127.0.0.1', port: listener.port };
    const socket = listener === secure ? connectTls({ ...address, ca }) : connect(address);
    await once(socket, listener === secure ? 'secureConnect' : 'connect');
    return socket;
  };
  /** The requests held so far, once there are so many. */
  const holding = async (count: number): Promise<ServerResponse[]> => {
    while (held.length < count) await turn();
    // What came in the same piece has been read as well.
    await turn();
    return held.splice(0).map(({ response }) => response);
  };

  for (const scheme of ['http', 'https'] as const) {
    it(`waits for the answers to what came before it (${scheme})`, async () => {
      const socket = await open(scheme === 'http' ? plain : secure);
      const answer = readAll(socket);
      socket.write(GET + GET + GARBAGE);
      const [first, second] = await holding(2);
      socket.write(GARBAGE);
      second?.end('second');
      first?.write('first, ');
      await turn();
      first?.end('in two parts');
      const text = await answer;
      assert.deepEqual(statuses(text), ['200', '200', '400']);
      assert.match(text, /first, [\s\S]*in two parts[\s\S]*second[\s\S]*400 Bad Request\r\nConnection: close/);
      assert.match(text, /second(\r\n0\r\n\r\n)?HTTP\/1\.1 400/);
    });
  }

  it('is refused at once when nothing is waiting', async () => {
    for (const before of ['', 'GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n']) {
      const socket = await open(plain);
      const answer = readAll(socket);
      if (before !== '') {
        socket.write(before);
        await once(socket, 'data');
      }
      socket.write(GARBAGE);
      assert.deepEqual(statuses(await answer), before === '' ? ['400'] : ['200', '400']);
    }
  });

  it('in the body of a request is the answer to that request, after those before it', async () => {
    const socket = await open(plain);
    const answer = readAll(socket);
    socket.write(`${GET}${CHUNKED}no length\r\n`);
    const [first, second] = await holding(2);
    first?.end('first');
    // Too late: it has been answered.
    first?.once('close', () => second?.end('second'));
    assert.deepEqual(statuses(await answer), ['200', '400']);
  });

  it('ends an answer that was under way when the body of its request broke off', async () => {
    const socket = await open(plain);
    const answer = readAll(socket);
    socket.write(CHUNKED);
    const [response] = await holding(1);
    response?.write('half');
    await once(socket, 'data');
    socket.write('no length\r\n');
    const text = await answer;
    assert.deepEqual(statuses(text), ['200']);
    // The last chunk never came.
    assert.doesNotMatch(text, /\r\n0\r\n/);
  });

  it('gets no second answer when its request has been answered before its body broke off', async () => {
    const socket = await open(plain);
    const answer = readAll(socket);
    socket.write(CHUNKED);
    const [response] = await holding(1);
    response?.end('early');
    await once(socket, 'data');
    socket.write('no length\r\n');
    assert.deepEqual(statuses(await answer), ['200']);
  });

  it('says 431 to a head that is too large, and 408 to one that does not come', async () => {
    const large = await open(plain);
    const answer = readAll(large);
    large.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`);
    assert.deepEqual(statuses(await answer), ['431']);
    const slow = await open(hurried);
    slow.write('GET / HTTP/1.1\r\n');
    assert.deepEqual(statuses(await readAll(slow)), ['408']);
  });

  it('leaves the server to others, whoever goes away in the middle', async () => {
    const socket = await open(plain);
    socket.write(GET + GARBAGE);
    const [response] = await holding(1);
    socket.destroy();
    response?.end('nobody hears it');
    const other = await open(plain);
    other.write('GET /at-once HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(await readAll(other), /at once$/);
  });
});
