import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Certificates, ensureCertificates } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { refusal } from '../../src/sip/errors.ts';
import type { SipResponse } from '../../src/sip/message/message.ts';
import { topVia } from '../../src/sip/message/message.ts';
import type { Flow } from '../../src/sip/transport/flow.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { heard, newRequest, openEndpoint } from './sip-world.ts';

const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

async function readUntil(socket: Socket, wanted: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (wanted.test(text)) break;
  }
  return text;
}

/** Resolves when the socket is gone, whatever it died of. */
function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

const raw = (method: string, via: string, extra = ''): string =>
  `${method} sip:bob@acme.example SIP/2.0\r\nVia: ${via}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n` +
  `Call-ID: raw\r\nCSeq: 1 ${method}\r\n${extra}Content-Length: 0\r\n\r\n`;

describe('a SIP endpoint', () => {
  it('gives UDP and TCP one port number', async () => {
    await using a = await openEndpoint();
    assert.equal(a.sip.addresses.udp?.port, a.sip.addresses.tcp?.port);
    assert.notEqual(a.sip.addresses.udp?.port, 0);
  });

  it('names transport, address and port when it cannot listen', async () => {
    await using a = await openEndpoint();
    await assert.rejects(() => openEndpoint({ port: a.sip.addresses.tcp?.port ?? 0 }), {
      code: 'sip.bind',
      message: new RegExp(`TCP 127.0.0.1:${a.sip.addresses.tcp?.port}`),
    });
  });

  for (const transport of ['UDP', 'TCP'] as const) {
    it(`carries a request and its answer over ${transport}`, async () => {
      await using server = await openEndpoint();
      await using client = await openEndpoint();
      server.sip.onRequest((transaction) =>
        transaction.reply(200, { headers: [['Subject', transaction.flow.transport]] }),
      );
      const answer = await client.sip.send(newRequest('OPTIONS'), { hop: server.hop(transport) });
      assert.deepEqual([answer.status, answer.headers.text('subject')], [200, transport]);
      assert.equal(topVia(answer).params.get('received'), '127.0.0.1');
      assert.ok(answer.headers.get('to')?.tag);
      assert.equal(server.sip.statistics.requestsInBy.transport[transport], 1);
    });
  }

  it('turns what a handler throws into the answer', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    const ask = async (): Promise<string> => {
      const answer = await client.sip.send(newRequest('MESSAGE'), { hop: server.hop() });
      return `${answer.status} ${answer.reason} ${answer.headers.text('retry-after') ?? ''}`;
    };
    assert.equal(await ask(), '501 Not Implemented ');
    server.sip.onRequest(() => {
      throw refusal(480, 'Away', { 'Retry-After': '7' });
    });
    assert.equal(await ask(), '480 Away 7');
    server.sip.onRequest(async () => {
      throw new Error('a secret of ours');
    });
    assert.equal(await ask(), '500 Server Internal Error ');
    server.sip.onRequest((transaction) => void transaction.request.headers.get('event')?.params);
    server.sip.onRequest((transaction) => {
      transaction.request.headers.set('Expires', 'soon').get('expires');
    });
    assert.equal(await ask(), '400 Malformed Expires header ');
  });

  it('answers a malformed request with what is wrong, and goes on', async () => {
    await using server = await openEndpoint();
    server.sip.onRequest((transaction) => transaction.reply(200));
    const socket = connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1');
    const via = 'SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKm';
    socket.write(raw('OPTIONS', via).replace('1 OPTIONS', '1 INVITE') + raw('OPTIONS', `${via}2`));
    const text = await readUntil(socket, /SIP\/2.0 200/);
    assert.match(text, /^SIP\/2.0 400 Malformed CSeq header\r\n/);
    socket.destroy();
    assert.equal(server.sip.statistics.malformed, 1);
  });

  it('closes a stream when nobody knows where the next message begins', async () => {
    await using server = await openEndpoint();
    const socket = connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1');
    socket.write(raw('OPTIONS', 'SIP/2.0/TCP h;branch=z9hG4bKc').replace('Content-Length: 0', 'Content-Length: -1'));
    assert.match(await readUntil(socket, /\r\n\r\n/), /^SIP\/2.0 400 Malformed Content-Length header/);
    await once(socket, 'close');
  });

  it('answers over UDP to the port that sent, when asked by rport, else to the one that Via names', async () => {
    await using server = await openEndpoint();
    server.sip.onRequest((transaction) => transaction.reply(200));
    const [sender, named] = [createSocket('udp4'), createSocket('udp4')];
    await Promise.all([sender, named].map((socket) => new Promise<void>((done) => socket.bind(0, '127.0.0.1', done))));
    const to = server.hop();
    const ask = (branch: string, params: string): void =>
      sender.send(
        raw('OPTIONS', `SIP/2.0/UDP host.example:${named.address().port};branch=z9hG4bK${branch}${params}`),
        to.port,
        to.address,
      );
    ask('a', ';rport');
    const [here] = (await once(sender, 'message')) as [Buffer];
    assert.match(here.toString(), new RegExp(`rport=${sender.address().port};received=127.0.0.1`));
    ask('b', '');
    const [there] = (await once(named, 'message')) as [Buffer];
    assert.match(there.toString(), /;branch=z9hG4bKb;received=127.0.0.1\r\n/);
    sender.close();
    named.close();
  });

  it('answers a retransmitted request with the same bytes, and asks nobody again', async () => {
    await using server = await openEndpoint();
    let asked = 0;
    server.sip.onRequest((transaction) => {
      asked += 1;
      transaction.reply(200);
    });
    const socket = createSocket('udp4');
    const to = server.hop();
    const message = raw('OPTIONS', 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKr;rport');
    const answers: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      socket.send(message, to.port, to.address);
      answers.push(((await once(socket, 'message')) as [Buffer])[0].toString());
    }
    socket.close();
    assert.deepEqual([asked, new Set(answers).size, server.sip.statistics.retransmissionsIn], [1, 1, 2]);
  });

  it('cancels an INVITE: 200 to the CANCEL, and the answer of the handler to the INVITE', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    server.sip.onRequest((transaction) => {
      transaction.reply(180);
      transaction.onCancel(() => transaction.reply(487));
    });
    const heardFrom: number[] = [];
    const call = client.sip.request(
      newRequest('INVITE'),
      { hop: server.hop() },
      {
        onResponse(response) {
          heardFrom.push(response.status);
          if (response.status === 180) call.cancel();
        },
      },
    );
    assert.equal((await call.final).status, 487);
    assert.deepEqual(heardFrom, [180, 487]);
  });

  it('answers a CANCEL of nothing with 481', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    assert.equal((await client.sip.send(newRequest('CANCEL'), { hop: server.hop('TCP') })).status, 481);
  });

  it('hands up the ACK of a 2xx, and absorbs the others', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    const acked = heard<string>();
    server.sip.onAck((ack) => acked.listener(ack.headers.text('call-id') ?? ''));
    server.sip.onRequest((transaction) => transaction.reply(transaction.request.headers.has('subject') ? 486 : 200));
    await client.sip.send(newRequest('INVITE', [['Subject', 'busy']]), { hop: server.hop('TCP') });
    const invite = newRequest('INVITE');
    await client.sip.send(invite, { hop: server.hop('TCP') });
    const ack = newRequest('ACK');
    await client.sip.sendStateless(ack, { hop: server.hop('TCP') });
    assert.equal(await acked.promise, ack.headers.text('call-id'));
  });

  it('goes on to the next server when one is away or says 503', async () => {
    await using server = await openEndpoint();
    await using busy = await openEndpoint();
    const addresses: Record<string, string[]> = { 'busy.example': ['127.0.0.1'], 'good.example': ['127.0.0.1'] };
    const missing = (): Promise<never> => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
    await using client = await openEndpoint(
      {},
      {
        resolver: {
          resolveNaptr: missing,
          resolveSrv: async () => [
            { name: 'busy.example', port: 1, priority: 1, weight: 1 },
            { name: 'busy.example', port: busy.hop().port, priority: 2, weight: 1 },
            { name: 'good.example', port: server.hop().port, priority: 3, weight: 1 },
          ],
          resolve4: async (name) => addresses[name] ?? missing(),
          resolve6: missing,
        },
      },
    );
    busy.sip.onRequest((transaction) => transaction.reply(503));
    server.sip.onRequest((transaction) => transaction.reply(200));
    const statuses: number[] = [];
    const call = client.sip.request(
      newRequest('OPTIONS'),
      { uri: 'sip:acme.example;transport=tcp' },
      {
        onResponse: (response) => statuses.push(response.status),
      },
    );
    assert.equal((await call.final).status, 200);
    assert.deepEqual(statuses, [200]);
    server.sip.onRequest((transaction) => transaction.reply(503));
    assert.equal((await client.sip.send(newRequest('OPTIONS'), { uri: 'sip:acme.example;transport=tcp' })).status, 503);
  });

  it('sends what is too large for UDP over TCP, unless UDP was asked for', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    server.sip.onRequest((transaction) =>
      transaction.reply(200, { headers: [['Subject', transaction.flow.transport]] }),
    );
    const large = newRequest('MESSAGE', [['X-Long', 'x'.repeat(1400)]]);
    const open = `sip:127.0.0.1:${server.hop().port}`;
    assert.equal((await client.sip.send(large, { uri: open })).headers.text('subject'), 'TCP');
    assert.equal((await client.sip.send(large, { uri: `${open};transport=udp` })).headers.text('subject'), 'UDP');
  });

  it('says sip.unreachable when nobody listens, and sip.closed when it closes', async () => {
    await using client = await openEndpoint();
    const nowhere = { hop: { transport: 'TCP' as const, address: '127.0.0.1', port: 1 } };
    await assert.rejects(() => client.sip.send(newRequest('OPTIONS'), nowhere), { code: 'sip.unreachable' });
    await using server = await openEndpoint();
    server.sip.onRequest(() => undefined);
    const waiting = client.sip.send(newRequest('OPTIONS'), { hop: server.hop('TCP') });
    const asked = heard<void>();
    server.sip.onRequest(() => asked.listener());
    const second = client.sip.send(newRequest('OPTIONS'), { hop: server.hop('TCP') });
    await asked.promise;
    await client.scope.close();
    await assert.rejects(waiting, { code: 'sip.closed' });
    await assert.rejects(second, { code: 'sip.closed' });
  });

  it('fails what waits on a connection at once when the connection breaks', async () => {
    await using client = await openEndpoint();
    const server = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const hop = { transport: 'TCP' as const, address: '127.0.0.1', port: (server.address() as AddressInfo).port };
    await assert.rejects(() => client.sip.send(newRequest('OPTIONS'), { hop }), { code: 'sip.unreachable' });
    server.close();
  });

  it('lives through whatever its users throw', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    server.sip.onRequest((transaction) => transaction.reply(200));
    server.sip.onAck(() => {
      throw new Error('a mistake of the service');
    });
    const hop = server.hop('TCP');
    await client.sip.sendStateless(newRequest('ACK'), { hop });
    const call = client.sip.request(
      newRequest('OPTIONS'),
      { hop },
      {
        onResponse() {
          throw new Error('another one');
        },
      },
    );
    assert.equal((await call.final).status, 200);
    assert.equal((await client.sip.send(newRequest('OPTIONS'), { hop })).status, 200);
  });

  it('lives through the torture messages and what becomes of them', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    server.sip.onRequest((transaction) => transaction.reply(200));
    const folder = new URL('../../fixtures/sip/rfc4475/', import.meta.url);
    const socket = createSocket('udp4');
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const to = server.hop();
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(new URL(name, folder));
      const stream = connect(to.port, to.address);
      stream.on('error', () => undefined);
      for (let turn = 0; turn < 8; turn += 1) {
        socket.send(bytes, to.port, to.address);
        stream.write(bytes);
        bytes[random(bytes.length)] = random(256);
      }
      stream.end();
      stream.resume();
      await closed(stream);
    }
    socket.close();
    assert.equal((await client.sip.send(newRequest('OPTIONS'), { hop: to })).status, 200);
    assert.equal((await client.sip.send(newRequest('OPTIONS'), { hop: server.hop('TCP') })).status, 200);
    assert.ok(server.sip.statistics.malformed > 100);
  });

  it('answers 503 past the cap of transactions', async () => {
    await using server = await openEndpoint({ maxServerTransactions: 1 });
    await using client = await openEndpoint();
    const first = heard<void>();
    server.sip.onRequest(() => first.listener());
    const waiting = client.sip.request(newRequest('OPTIONS'), { hop: server.hop('TCP') });
    await first.promise;
    const answer = await client.sip.send(newRequest('OPTIONS'), { hop: server.hop('TCP') });
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, 5]);
    assert.equal(server.sip.statistics.shed, 1);
    await server.scope.close();
    await assert.rejects(waiting.final);
  });
});

describe('connections', () => {
  it('are used again, and a flow that came in carries requests back', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    const flows: Flow[] = [];
    server.sip.onRequest((transaction) => {
      flows.push(transaction.flow);
      transaction.reply(200);
    });
    client.sip.onRequest((transaction) => transaction.reply(299));
    for (let turn = 0; turn < 2; turn += 1) await client.sip.send(newRequest('REGISTER'), { hop: server.hop('TCP') });
    assert.equal(new Set(flows).size, 1);
    const token = server.sip.flows.tokenOf(flows[0] as Flow);
    assert.match(token, /^[A-Za-z0-9_-]+$/);
    const back = await server.sip.send(newRequest('NOTIFY'), { flow: server.sip.flows.flowOf(token) });
    assert.equal(back.status, 299);
    await client.scope.close();
    while (server.sip.statistics.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.throws(
      () => server.sip.flows.flowOf(token),
      (error: { answer?: { status: number } }) => error.answer?.status === 430,
    );
    assert.throws(
      () => server.sip.flows.flowOf(`A${token.slice(1)}x`),
      (error: { answer?: { status: number } }) => error.answer?.status === 403,
    );
  });

  it('names UDP flows as well', async () => {
    await using server = await openEndpoint();
    await using client = await openEndpoint();
    const flow = heard<Flow>();
    server.sip.onRequest((transaction) => {
      flow.listener(transaction.flow);
      transaction.reply(200);
    });
    await client.sip.send(newRequest('REGISTER'), { hop: server.hop() });
    const token = server.sip.flows.tokenOf(await flow.promise);
    client.sip.onRequest((transaction) => transaction.reply(204));
    assert.equal((await server.sip.send(newRequest('NOTIFY'), { flow: server.sip.flows.flowOf(token) })).status, 204);
  });

  it('answer a double line end with one', async () => {
    await using server = await openEndpoint();
    const socket = connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1');
    socket.write('\r\n\r\n');
    assert.equal(await readUntil(socket, /\n/), '\r\n');
    socket.destroy();
  });

  it('are capped per address, exempt ones not', async () => {
    const open = async (isExempt: boolean): Promise<number> => {
      await using server = await openEndpoint({ connections: { perAddress: 2 }, isExempt: () => isExempt });
      const sockets = Array.from({ length: 4 }, () => connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1'));
      let alive = 0;
      await Promise.all(
        sockets.map(async (socket) => {
          socket.on('error', () => undefined);
          socket.write('\r\n\r\n');
          const answered = new Promise<number>((resolve) => socket.once('data', () => resolve(1)));
          const won = await Promise.race([answered, closed(socket).then(() => 0)]);
          alive += won;
        }),
      );
      for (const socket of sockets) socket.destroy();
      return alive;
    };
    assert.equal(await open(false), 2);
    assert.equal(await open(true), 4);
  });

  it('are closed when they are idle, or stop in the middle of a message', async () => {
    const clock = new FakeClock();
    await using server = await openEndpoint({ connections: { idleMs: 60_000, messageMs: 10_000 } }, { clock });
    const [idle, slow] = [0, 1].map(() => connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1')) as [
      Socket,
      Socket,
    ];
    idle.write('\r\n\r\n');
    slow.write('\r\n\r\n');
    await Promise.all([once(idle, 'data'), once(slow, 'data')]);
    slow.write('OPTIONS sip:x SIP/2.0\r\nVia');
    while (slow.bytesWritten < 20) await new Promise((resolve) => setImmediate(resolve));
    const slowEnds = once(slow, 'close');
    // The server must have read the beginning: it shows in nothing but the sweep, which is repeated until it does.
    let isOver = false;
    void slowEnds.then(() => {
      isOver = true;
    });
    while (!isOver) await clock.advance(5_000);
    idle.resume();
    const idleEnds = once(idle, 'close');
    await clock.advance(90_000);
    await idleEnds;
    assert.ok(server.sip.statistics.connectionsClosedIdle <= 2);
  });

  it('that send too fast are read more slowly, and lose nothing', async () => {
    const clock = new FakeClock();
    await using server = await openEndpoint({ connections: { bytesPerSecond: 1_000, burstBytes: 2_000 } }, { clock });
    let received = 0;
    const all = heard<void>();
    server.sip.onRequest((transaction) => {
      received += 1;
      transaction.reply(200);
      if (received === 40) all.listener();
    });
    const socket = connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1');
    socket.resume();
    for (let index = 0; index < 40; index += 1) {
      socket.write(raw('OPTIONS', `SIP/2.0/TCP h;branch=z9hG4bKf${index}`, `X-Fill: ${'x'.repeat(5_000)}\r\n`));
    }
    while (server.sip.statistics.pauses === 0) await new Promise((resolve) => setImmediate(resolve));
    let isDone = false;
    void all.promise.then(() => {
      isDone = true;
    });
    while (!isDone) await clock.advance(10_000);
    assert.equal(received, 40);
    socket.destroy();
  });

  it('of a peer that does not read are paused, then cut', async () => {
    await using server = await openEndpoint({
      connections: { pauseAboveBytes: 64 * 1024, cutAboveBytes: 1024 * 1024 },
    });
    const flow = heard<Flow>();
    server.sip.onRequest((transaction) => flow.listener(transaction.flow));
    const socket = connect(server.sip.addresses.tcp?.port ?? 0, '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(raw('OPTIONS', 'SIP/2.0/TCP h;branch=z9hG4bKs'));
    const to = await flow.promise;
    assert.throws(
      () => {
        for (let turn = 0; turn < 1000; turn += 1) to.send(Buffer.alloc(64 * 1024));
      },
      { code: 'sip.overloaded' },
    );
    assert.equal(to.isOpen, false);
    assert.equal(server.sip.statistics.pauses, 1);
    socket.destroy();
  });

  it('answer a STUN binding request with the address it came from', async () => {
    await using server = await openEndpoint();
    const socket = createSocket('udp4');
    const request = Buffer.from(`000100002112a442${'ab'.repeat(12)}`, 'hex');
    socket.send(request, server.hop().port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Buffer];
    assert.equal(answer.readUInt16BE(0), 0x0101);
    assert.deepEqual(answer.subarray(4, 20), request.subarray(4, 20));
    assert.equal(answer.readUInt16BE(26) ^ 0x2112, socket.address().port);
    assert.equal((answer.readUInt32BE(28) ^ 0x2112a442) >>> 0, 0x7f000001);
    socket.close();
  });
});

describe('TLS', () => {
  let folder: string;
  let ours: Certificates;
  let foreign: Certificates;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'imp-sip-'));
    ours = await ensureCertificates(join(folder, 'ours'), ['localhost', 'acme.example', '127.0.0.1'], systemClock);
    foreign = await ensureCertificates(join(folder, 'foreign'), ['localhost'], systemClock);
  });
  after(() => rm(folder, { recursive: true }));
  const tls = (certificates: Certificates, clientCertificates: 'none' | 'requested' | 'required' = 'none') => ({
    tls: { ...certificates.node, ca: ours.ca, clientCertificates },
  });

  it('carries requests between verified peers, and names them', async () => {
    await using server = await openEndpoint(tls(ours, 'required'));
    await using client = await openEndpoint(tls(ours));
    const names = heard<readonly string[]>();
    server.sip.onRequest((transaction) => {
      names.listener(transaction.flow.peerNames);
      transaction.reply(200);
    });
    assert.equal((await client.sip.send(newRequest('OPTIONS'), { hop: server.hop('TLS') })).status, 200);
    assert.ok((await names.promise).includes('DNS:acme.example'));
  });

  it('refuses a server whose certificate is of another authority or another name', async () => {
    await using stranger = await openEndpoint(tls(foreign));
    await using server = await openEndpoint(tls(ours));
    await using client = await openEndpoint(tls(ours));
    const ask = (hop: ReturnType<typeof server.hop>): Promise<SipResponse> =>
      client.sip.send(newRequest('OPTIONS'), { hop });
    await assert.rejects(() => ask(stranger.hop('TLS')), { code: 'sip.certificate' });
    await assert.rejects(() => ask({ ...server.hop('TLS'), serverName: 'else.example' }), { code: 'sip.certificate' });
  });

  it('lets no client in without a certificate when one is required, and none of another authority', async () => {
    await using server = await openEndpoint(tls(ours, 'required'));
    for (const material of [{}, foreign.node]) {
      const socket = connectTls({ port: server.hop('TLS').port, host: '127.0.0.1', ca: ours.ca, ...material });
      await closed(socket);
    }
    assert.equal(server.sip.statistics.connections, 0);
  });

  it('gives no names to a client whose certificate is only asked for and not verified', async () => {
    await using server = await openEndpoint(tls(ours, 'requested'));
    const names = heard<readonly string[]>();
    server.sip.onRequest((transaction) => names.listener(transaction.flow.peerNames));
    const socket = connectTls({ port: server.hop('TLS').port, host: '127.0.0.1', ca: ours.ca, ...foreign.node });
    socket.write(raw('OPTIONS', 'SIP/2.0/TLS h;branch=z9hG4bKt'));
    assert.deepEqual(await names.promise, []);
    socket.destroy();
  });

  it('sends back over the connection of a verified peer that offers its alias', async () => {
    await using server = await openEndpoint(tls(ours, 'required'));
    await using client = await openEndpoint(tls(ours));
    server.sip.onRequest((transaction) => transaction.reply(200));
    client.sip.onRequest((transaction) => transaction.reply(298));
    await client.sip.send(newRequest('OPTIONS'), { hop: server.hop('TLS') });
    const answer = await server.sip.send(newRequest('NOTIFY'), { hop: client.hop('TLS') });
    assert.equal(answer.status, 298);
    assert.deepEqual([server.sip.statistics.connections, client.sip.statistics.connections], [1, 1]);
  });
});

describe('real clients', () => {
  it('sipsak gets its OPTIONS answered', { skip: has('sipsak') ? false : 'sipsak is not installed' }, async () => {
    await using server = await openEndpoint();
    server.sip.onRequest((transaction) => transaction.reply(200));
    for (const transport of ['udp', 'tcp']) {
      const run = spawn('sipsak', ['-vv', '-E', transport, '-s', `sip:bob@127.0.0.1:${server.hop().port}`]);
      let said = '';
      run.stdout.on('data', (chunk) => {
        said += chunk;
      });
      const [code] = (await once(run, 'close')) as [number];
      assert.equal(code, 0, said);
    }
  });

  it('sipp makes and ends calls', { skip: has('sipp') ? false : 'sipp is not installed' }, async () => {
    await using server = await openEndpoint();
    const sip = server.sip;
    sip.onRequest((transaction) => transaction.reply(200, { headers: [['Contact', `<sip:${sip.sentBy('UDP')}>`]] }));
    const folder = await mkdtemp(join(tmpdir(), 'imp-sipp-'));
    for (const transport of ['u1', 't1']) {
      const run = spawn(
        'sipp',
        [
          '-sn',
          'uac',
          '-m',
          '50',
          '-r',
          '200',
          '-t',
          transport,
          '-nostdin',
          '-i',
          '127.0.0.1',
          `127.0.0.1:${server.hop().port}`,
        ],
        { cwd: folder, env: { ...process.env, TERM: 'dumb' } },
      );
      run.stdout.resume();
      let complaints = '';
      run.stderr.on('data', (chunk) => {
        complaints += chunk;
      });
      const [code] = (await once(run, 'close')) as [number];
      assert.equal(code, 0, complaints);
    }
    await rm(folder, { recursive: true });
    assert.equal(sip.statistics.requestsInBy.method.get('INVITE'), 100);
  });
});
