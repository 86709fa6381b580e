import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import { ImpError } from '../../src/platform/errors.ts';
import { createLog } from '../../src/platform/log.ts';
import { createRpcClient, type RpcClient } from '../../src/rpc/client.ts';
import { createRpcServer, type RpcMethod, type RpcServer, rpcMethod } from '../../src/rpc/server.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';
import { makeTestTls, type TestTls } from './support/test-tls.ts';

const log = createLog({ level: 'silent' });

describe('JSON-RPC over mutual TLS', () => {
  let tls: TestTls;
  let stranger: TestTls;
  let clock: FakeClock;
  let server: RpcServer;
  /** Calls of `hang` that wait, and why they ended. */
  let hanging: AbortSignal[] = [];
  const methods: Record<string, RpcMethod> = {
    add: rpcMethod({
      params: z.strictObject({ a: z.number(), b: z.number() }),
      handle: async ({ a, b }) => a + b,
    }),
    fail: rpcMethod({
      params: z.strictObject({ kind: z.enum(['conflict', 'internal']) }),
      handle: async ({ kind }) => {
        throw new ImpError(kind, 'test.failed', 'the secret cause');
      },
    }),
    hang: rpcMethod({
      params: z.unknown(),
      handle: async (_params, signal) => {
        hanging.push(signal);
        await once(signal, 'abort');
      },
    }),
    sized: rpcMethod({ params: z.number().array(), handle: async ([length]) => 'x'.repeat(length ?? 0) }),
  };
  const client = (given: TestTls = tls, port = server.port): RpcClient =>
    createRpcClient({ address: () => ({ host: '127.0.0.1', port }), tls: given, clock, log, timeoutMs: 5_000 });
  /** A connection without our client, to say what it never would. */
  const raw = async (): Promise<TLSSocket> => {
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: tls.ca, ...tls.node });
    await once(socket, 'secureConnect');
    socket.setEncoding('utf8');
    return socket;
  };

  before(async () => {
    [tls, stranger] = await Promise.all([makeTestTls(), makeTestTls()]);
    clock = new FakeClock();
    server = createRpcServer({
      name: 'test',
      tls,
      methods,
      clock,
      log,
      limits: { lineBytes: 1_000, pending: 2, lineTimeoutMs: 30_000 },
    });
    await server.listen('127.0.0.1', 0);
  });
  after(() => server.close());

  it('answers each call with its own result, on one connection', async () => {
    await using rpc = client();
    const sums = Array.from({ length: 40 }, (_none, a) => rpc.call('add', { a, b: 1 }));
    assert.deepEqual(
      await Promise.all(sums),
      sums.map((_sum, a) => a + 1),
    );
  });

  it('turns failures into error objects, and keeps the message of our own faults', async () => {
    await using rpc = client();
    await assert.rejects(rpc.call('fail', { kind: 'conflict' }), {
      name: 'RpcRemoteError',
      kind: 'conflict',
      number: -32003,
      message: 'the secret cause',
      data: { code: 'test.failed' },
    });
    await assert.rejects(rpc.call('fail', { kind: 'internal' }), { number: -32603, message: 'internal error' });
    await assert.rejects(rpc.call('nothing', {}), { number: -32601, kind: 'not-found' });
    await assert.rejects(rpc.call('add', { a: 1, b: '2' }), { number: -32602, message: /params\.b/ });
  });

  it('gives up after the time-out and on the signal; the connection stays good', async () => {
    await using rpc = client();
    assert.equal(await rpc.call('add', { a: 1, b: 1 }), 2);
    const late = assert.rejects(rpc.call('hang', {}), { code: 'rpc.timeout', kind: 'unavailable' });
    await clock.advance(5_000);
    await late;
    const cancel = new AbortController();
    const cancelled = assert.rejects(rpc.call('hang', {}, cancel.signal), /no longer wanted/);
    cancel.abort(new Error('no longer wanted'));
    await cancelled;
    assert.equal(clock.pending, 0);
  });

  it('tells handlers when their caller is gone', async () => {
    hanging = [];
    const rpc = client();
    const cut = assert.rejects(rpc.call('hang', {}), { code: 'rpc.closed' });
    while (hanging.length === 0) await turn();
    await rpc[Symbol.asyncDispose]();
    await cut;
    while (!hanging[0]?.aborted) await turn();
  });

  it('says that nobody is there, and that a certificate is not ours', async () => {
    const spare = createRpcServer({ name: 'spare', tls, methods, clock, log });
    await spare.listen('127.0.0.1', 0);
    const { port } = spare;
    await assert.rejects(createRpcServer({ name: 'spare', tls, methods, clock, log }).listen('127.0.0.1', port), {
      code: 'listener.bind',
      message: `spare cannot listen on 127.0.0.1:${port}`,
    });
    await spare.close();
    await using nobody = client(tls, port);
    await assert.rejects(nobody.call('add', {}), { code: 'rpc.unreachable' });
    await using wrongServer = client({ node: tls.node, ca: stranger.ca });
    await assert.rejects(wrongServer.call('add', { a: 1, b: 1 }), { code: 'rpc.tls' });
    await using wrongClient = client({ node: stranger.node, ca: tls.ca });
    await assert.rejects(wrongClient.call('add', { a: 1, b: 1 }), { code: /^rpc\.(tls|closed)$/ });
    await using notRunning = createRpcClient({ address: () => undefined, tls, clock, log, timeoutMs: 1 });
    await assert.rejects(notRunning.call('add', {}), { code: 'rpc.unreachable', message: 'it is not running' });
  });

  it('closes while a connection is amid its handshake', { timeout: 10_000 }, async () => {
    const spare = createRpcServer({ name: 'spare', tls, methods, clock, log });
    await spare.listen('127.0.0.1', 0);
    const silent = createConnection(spare.port, '127.0.0.1');
    await once(silent, 'connect');
    // Two turns until the server has seen it; it never says a word of TLS.
    await turn();
    await turn();
    const cut = once(silent, 'close');
    await spare.close();
    await cut;
  });

  it('does not send twice, nor after it gave up: a call that was lost is the caller’s to repeat', async () => {
    let calls = 0;
    const count = rpcMethod({
      params: z.unknown(),
      handle: async (_params, signal) => {
        calls += 1;
        await once(signal, 'abort');
      },
    });
    const first = createRpcServer({ name: 'first', tls, methods: { count }, clock, log });
    await first.listen('127.0.0.1', 0);
    await using rpc = client(tls, first.port);
    const lost = assert.rejects(rpc.call('count', {}), { code: 'rpc.closed' });
    while (calls === 0) await turn();
    await first.close();
    await lost;
    assert.equal(calls, 1);
    await assert.rejects(rpc.call('count', {}), { code: 'rpc.unreachable' });
  });

  it('answers what it cannot read with an error, and cuts a line without end', async () => {
    const socket = await raw();
    socket.write('nonsense\n[]\n{"jsonrpc":"2.0","method":"add","params":{"a":1,"b":1}}\n');
    socket.write('{"jsonrpc":"2.0","method":"add","params":{"a":1,"b":2},"id":"x"}\n');
    let said = '';
    socket.on('data', (chunk: string) => {
      said += chunk;
    });
    while (said.split('\n').length < 4) await turn();
    const answers = said.trim().split('\n');
    assert.deepEqual(
      answers.map((line) => (JSON.parse(line) as { error?: { code: number } }).error?.code),
      [-32700, -32600, undefined],
    );
    assert.equal(answers[2], '{"jsonrpc":"2.0","id":"x","result":3}');
    socket.write('y'.repeat(2_000));
    await once(socket, 'close');
    assert.match(said, /a line is longer than 1000 bytes/);
  });

  it('cuts a caller that begins a line and does not end it', async () => {
    const socket = await raw();
    const ended = once(socket, 'close');
    socket.on('error', () => undefined);
    socket.write('{"jsonrpc"');
    while (clock.pending === 0) await turn();
    await clock.advance(30_000);
    await ended;
  });

  it('works on a few requests of a connection at a time', async () => {
    hanging = [];
    const socket = await raw();
    socket.on('error', () => undefined);
    const lines = Array.from({ length: 20 }, (_none, id) => `{"jsonrpc":"2.0","method":"hang","id":${id}}\n`);
    socket.write(lines.join(''));
    while (hanging.length < 2) await turn();
    await turn();
    assert.equal(hanging.length, 2);
    socket.destroy();
  });

  it('refuses an answer that is too long for us', async () => {
    await using rpc = createRpcClient({
      address: () => ({ host: '127.0.0.1', port: server.port }),
      tls,
      clock,
      log,
      timeoutMs: 5_000,
      lineBytes: 100,
    });
    await assert.rejects(rpc.call('sized', [5_000]), { code: 'rpc.line-too-long' });
    assert.equal(await rpc.call('sized', [3]), 'xxx');
  });
});
