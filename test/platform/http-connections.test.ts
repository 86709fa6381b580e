import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ensureCertificates } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createConnectionCap } from '../../src/platform/http-connections.ts';
import { createHttpListener, createHttpsListener, type HttpsListener } from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics, type Metrics } from '../../src/platform/metrics.ts';
import { temporaryFolder } from '../support/imp-process.ts';

const log = createLog({ level: 'silent' });

describe('the cap on connections', () => {
  let metrics: Metrics;
  let plain: HttpsListener;
  let secure: HttpsListener;
  let ca: string;
  before(async () => {
    await using folder = await temporaryFolder();
    const certificates = await ensureCertificates(folder.path, ['127.0.0.1'], systemClock);
    ca = certificates.ca;
    metrics = createMetrics();
    const limits = { perAddress: 3, total: 5, isExempt: (address: string) => address === '127.0.0.9' };
    const connections = createConnectionCap(limits, metrics);
    plain = createHttpListener('plain', log, { connections });
    secure = createHttpsListener('secure', certificates.node, log, { connections });
    for (const listener of [plain, secure]) {
      listener.mount('/', (_request, response) => void response.end('served'));
      await listener.listen('127.0.0.1', 0);
    }
  });
  after(() => Promise.all([plain.close(), secure.close()]));

  const open = async (listener: HttpsListener, localAddress = '127.0.0.1'): Promise<Socket> => {
    const socket = connect({ port: listener.port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  /** Whether the connection serves; one that is refused is cut. */
  const serves = (socket: Socket): Promise<boolean> =>
    new Promise((resolve) => {
      socket.once('data', () => resolve(true));
      socket.once('close', () => resolve(false));
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    });
  const counted = async (name: string): Promise<string[]> =>
    (await metrics.render()).split('\n').filter((line) => line.startsWith(`${name}{`));
  const close = async (...sockets: readonly Socket[]): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    for (;;) {
      const lines = await counted('http_connections');
      if (lines.every((line) => line.endsWith(' 0'))) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it('holds for one address, over all listeners, from before the TLS handshake on', async () => {
    const silent = await open(secure);
    const [first, second] = [await open(plain), await open(plain)];
    assert.deepEqual([await serves(first), await serves(second)], [true, true]);
    assert.equal(await serves(await open(plain)), false);
    const late = connectTls({ port: secure.port, host: '127.0.0.1', ca });
    await assert.rejects(once(late, 'secureConnect'));
    const other = await open(plain, '127.0.0.2');
    assert.equal(await serves(other), true, 'another address is not concerned');
    assert.deepEqual(await counted('http_connections_refused_total'), [
      'http_connections_refused_total{listener="plain",limit="address"} 1',
      'http_connections_refused_total{listener="secure",limit="address"} 1',
    ]);
    first.destroy();
    await once(first, 'close');
    await close(silent, second, other);
    const again = await open(plain);
    assert.equal(await serves(again), true, 'who closes may come again');
    await close(again);
  });

  it('leaves exempt addresses out, but not of the total', async () => {
    const sockets: Socket[] = [];
    for (let count = 0; count < 5; count += 1) sockets.push(await open(plain, '127.0.0.9'));
    for (const socket of sockets) assert.equal(await serves(socket), true);
    assert.equal(await serves(await open(plain, '127.0.0.9')), false);
    assert.equal(await serves(await open(secure)), false);
    const refused = await counted('http_connections_refused_total');
    assert.equal(refused.filter((line) => line.includes('limit="total"')).length, 2);
    await close(...sockets);
  });
});
