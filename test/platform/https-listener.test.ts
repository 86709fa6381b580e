import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Agent, request } from 'undici';
import { ensureCertificates } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { readBody } from '../../src/platform/http-body.ts';
import {
  createHttpListener,
  createHttpsListener,
  type HttpsListener,
  type TlsMaterial,
} from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { turn } from '../support/fake-clock.ts';

const log = createLog({ level: 'silent' });
const say =
  (text: string) =>
  (_request: IncomingMessage, response: ServerResponse): void =>
    void response.end(text);

describe('the HTTPS listener', () => {
  let folder: string;
  let listener: HttpsListener;
  let agent: Agent;
  let tls: TlsMaterial;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'imp-listener-'));
    const { ca, node } = await ensureCertificates(folder, ['127.0.0.1'], systemClock);
    tls = node;
    listener = createHttpsListener('test', node, log);
    await listener.listen('127.0.0.1', 0);
    agent = new Agent({ connect: { ca } });
  });
  after(async () => {
    await agent.close();
    await listener.close();
    await rm(folder, { recursive: true });
  });
  const get = async (path: string): Promise<string> => {
    const answer = await request(`https://127.0.0.1:${listener.port}${path}`, { dispatcher: agent });
    return `${answer.statusCode} ${(await answer.body.text()).trim()}`;
  };

  it('serves the longest mounted prefix, by whole segments', async () => {
    using _a = listener.mount('/a', say('a'));
    using _ab = listener.mount('/a/b', say('ab'));
    assert.equal(await get('/a'), '200 a');
    assert.equal(await get('/a/b/c?x=/y'), '200 ab');
    assert.equal(await get('/a/bc'), '200 a');
    assert.equal(await get('/ab'), '404 not found');
  });

  it('lets a later mount stand in for an earlier one, until it is disposed', async () => {
    using _busy = listener.mount('/room', say('busy'));
    const open = listener.mount('/room', say('open'));
    assert.equal(await get('/room'), '200 open');
    open[Symbol.dispose]();
    assert.equal(await get('/room'), '200 busy');
  });

  it('names address and port when it cannot listen', async () => {
    const second = createHttpsListener('second', { key: '', cert: '' }, log);
    await assert.rejects(
      () => second.listen('127.0.0.1', listener.port),
      new RegExp(`second cannot listen on 127.0.0.1:${listener.port}`),
    );
  });

  it('reads bodies within their bounds and refuses the others with the fitting status', async () => {
    using _body = listener.mount('/body', (incoming, response) => {
      readBody(incoming, systemClock, { maxBytes: 10, timeoutMs: 1000 }).then(
        (text) => response.end(text),
        (error: { status: number; code: string }) => {
          response.writeHead(error.status, { connection: 'close' });
          response.end(error.code);
        },
      );
    });
    const post = async (body: string | Buffer, headers: Record<string, string> = {}): Promise<string> => {
      const answer = await request(`https://127.0.0.1:${listener.port}/body`, {
        dispatcher: agent,
        method: 'POST',
        body,
        headers,
      });
      return `${answer.statusCode} ${await answer.body.text()}`;
    };
    assert.equal(await post('Łukasz'), '200 Łukasz');
    assert.equal(await post('12345678901'), '413 http.body-too-large');
    assert.equal(await post(Buffer.from([0xff])), '400 http.body-encoding');
    assert.equal(await post('x', { 'content-encoding': 'gzip' }), '415 http.body-encoding');
  });

  it('closes while a connection is amid its handshake', { timeout: 10_000 }, async () => {
    const spare = createHttpsListener('spare', tls, log);
    await spare.listen('127.0.0.1', 0);
    const silent = createConnection(spare.port, '127.0.0.1');
    await once(silent, 'connect');
    const cut = once(silent, 'close');
    await spare.close();
    await cut;
  });

  describe('with clients that do not read', () => {
    const PIECE = Buffer.alloc(64 * 1024, 'x');
    let hurried: HttpsListener;
    before(async () => {
      hurried = createHttpListener('hurried', log, { times: { stallMs: 150 } });
      await hurried.listen('127.0.0.1', 0);
    });
    after(() => hurried.close());
    const ask = async (path: string): Promise<Socket> => {
      const socket = createConnection(hurried.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      return socket;
    };

    it('cuts one that takes nothing of a long answer', { timeout: 10_000 }, async () => {
      let answer: ServerResponse | undefined;
      using _long = hurried.mount('/long', (_request, response) => {
        answer = response;
        response.end(Buffer.concat(Array.from({ length: 256 }, () => PIECE)));
      });
      const socket = await ask('/long');
      socket.on('error', () => undefined);
      while (answer === undefined) await turn();
      await once(answer, 'close');
      assert.equal(answer.writableFinished, false, 'cut before its end');
      socket.destroy();
    });

    it('keeps one that waits for an answer longer than that', async () => {
      let finish: (() => void) | undefined;
      using _quiet = hurried.mount('/quiet', (_request, response) => {
        response.write('begun');
        // The time of a stalled one has passed.
        response.on('timeout', () => finish?.());
        finish = () => response.end(', done');
      });
      const quiet = await ask('/quiet');
      let text = '';
      for await (const piece of quiet) text += String(piece);
      assert.match(text, /begun[\s\S]*, done/);
    });
  });
});
