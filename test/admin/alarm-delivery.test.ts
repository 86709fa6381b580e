import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { openAlarmDelivery } from '../../src/admin/alarm-delivery/alarm-delivery.ts';
import { alarmDeliveryOptions } from '../../src/admin/alarm-delivery/options.ts';
import { syslogMessage } from '../../src/admin/alarm-delivery/syslog-message.ts';
import { type AlarmEvent, createAlarms } from '../../src/platform/alarms.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { testCertificates } from '../support/test-certificates.ts';

const START = Date.UTC(2026, 10, 24, 8, 5, 9, 7);

async function open(options: object, baseFolder = '/') {
  const clock = new FakeClock(START);
  const log = createLog({ level: 'silent' });
  const alarms = createAlarms(clock, log);
  const metrics = createMetrics();
  const node = { name: 'imp1', pid: 42 };
  const delivery = await openAlarmDelivery(
    { alarms, clock, log, metrics, node, baseFolder },
    alarmDeliveryOptions.parse(options),
  );
  return { alarms, clock, metrics, [Symbol.asyncDispose]: () => delivery[Symbol.asyncDispose]() };
}

describe('alarms over syslog', () => {
  const event = (message: string, kind: AlarmEvent['kind'] = 'raised'): AlarmEvent => ({
    kind,
    at: START,
    alarm: {
      name: 'SyncAgentAXLConnectionFailed',
      service: 'sync-agent',
      severity: 2,
      message,
      raisedAt: START,
      lastAt: START,
      count: 1,
      clearedAt: null,
    },
  });
  const origin = { node: 'imp1', pid: 42, facility: 16 };

  it('are messages of RFC 5424', () => {
    assert.equal(
      syslogMessage(event('cucm1 does\nnot answer'), origin),
      '<130>1 2026-11-24T08:05:09.007Z imp1 sync-agent 42 SyncAgentAXLConnectionFailed ' +
        '[alarm@32473 event="raised" severity="2" count="1" name="SyncAgentAXLConnectionFailed"] cucm1 does not answer',
    );
    assert.match(syslogMessage(event('', 'cleared'), origin), /^<133>1 .* event="cleared" /);
    assert.match(syslogMessage(event('Zoë'), origin), / \ufeffZoë$/);
    const odd = event('x');
    const named = { ...odd, alarm: { ...odd.alarm, name: `a"b\\c]d e${'f'.repeat(40)}` } };
    assert.match(syslogMessage(named, origin), / a"b\\c\]d_ef{23} \[alarm@32473 .* name="a\\"b\\\\c\\\]d e/);
  });

  it('go out by UDP', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    await using world = await open({ syslog: [{ host: '127.0.0.1', port: socket.address().port }] });
    world.alarms.raise('sync-agent', 'A', 3, 'raised once');
    world.alarms.raise('sync-agent', 'A', 3, 'again: counted, and not told again');
    const [first] = (await once(socket, 'message')) as [Buffer];
    assert.match(first.toString(), /^<131>1 .* A \[.*\] raised once$/);
    world.alarms.clear('sync-agent', 'A');
    const [second] = (await once(socket, 'message')) as [Buffer];
    assert.match(second.toString(), /event="cleared" severity="3" count="2"/);
    socket.close();
  });

  for (const transport of ['tcp', 'tls'] as const) {
    it(`go out by ${transport.toUpperCase()}, each with its length, and again on a new connection`, async () => {
      const { tls, ca } = await testCertificates();
      const folder = await mkdtemp(join(tmpdir(), 'imp-syslog-'));
      await writeFile(join(folder, 'ca.pem'), ca);
      const server = transport === 'tcp' ? createServer() : createTlsServer(tls);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const connections = new Set<Socket>();
      server.on('connection', (connection: Socket) => void connections.add(connection));
      const arrived = transport === 'tcp' ? 'connection' : 'secureConnection';
      {
        await using world = await open(
          { syslog: [{ host: '127.0.0.1', port, transport, ...(transport === 'tls' && { caFile: 'ca.pem' }) }] },
          folder,
        );
        const connected = once(server, arrived) as Promise<[Socket]>;
        world.alarms.raise('sync-agent', 'A', 3, 'Zoë');
        const [connection] = await connected;
        const [data] = (await once(connection, 'data')) as [Buffer];
        const [, length, message] = /^(\d+) (.*)$/s.exec(data.toString()) ?? [];
        assert.equal(Number(length), Buffer.byteLength(message ?? ''));
        const anew = once(server, arrived);
        connection.destroy();
        await once(connection, 'close');
        for (let tries = 0; ; tries += 1) {
          world.alarms.raise('sync-agent', `B${tries}`, 3, 'after it was cut');
          const isBack = await Promise.race([anew.then(() => true), world.clock.advance(1_000).then(() => false)]);
          if (isBack) break;
          assert.ok(tries < 100);
        }
      }
      for (const each of connections) each.destroy();
      await new Promise((closed) => {
        server.close(closed);
      });
      await rm(folder, { recursive: true });
    });
  }
});

describe('alarms to webhooks', () => {
  it('are posted, signed, and tried again until they are taken, in order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'imp-webhook-'));
    await writeFile(join(folder, 'secret'), 'very secret\n');
    const seen: { readonly name: string; readonly isSigned: boolean }[] = [];
    let isDown = true;
    let requests = 0;
    const server = createHttpServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        requests += 1;
        const { alarm, event } = JSON.parse(body) as {
          readonly alarm: { readonly name: string };
          readonly event: string;
        };
        const signature = `sha256=${createHmac('sha256', 'very secret').update(body).digest('hex')}`;
        if (!isDown) {
          seen.push({ name: `${event} ${alarm.name}`, isSigned: request.headers['x-imp-signature'] === signature });
        }
        response.writeHead(isDown ? 503 : 204).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=hidden`;
    {
      await using world = await open({ webhooks: [{ url, secretFile: 'secret' }] }, folder);
      const until = async (isSo: () => boolean): Promise<void> => {
        for (let steps = 0; !isSo(); steps += 1) {
          assert.ok(steps < 2_000);
          await world.clock.advance(100);
        }
      };
      world.alarms.raise('sync-agent', 'First', 3, 'one');
      world.alarms.raise('sync-agent', 'Second', 3, 'two');
      await until(() => requests >= 3 && world.alarms.active().length === 3);
      const told = world.alarms.active().find(({ service }) => service === 'admin');
      assert.match(told?.name ?? '', /^AlarmDeliveryFailed webhook http:\/\/127\.0\.0\.1:\d+\/hook$/);
      isDown = false;
      await until(() => seen.length === 2);
      assert.deepEqual(seen, [
        { name: 'raised First', isSigned: true },
        { name: 'raised Second', isSigned: true },
      ]);
      await until(() => world.alarms.active().length === 2);
      // No more than a thousand wait; the oldest go.
      isDown = true;
      for (let each = 0; each < 1_005; each += 1) world.alarms.raise('sync-agent', `Many ${each}`, 6, '');
      const counted = await world.metrics.render();
      assert.match(counted, /imp_alarm_events_total\{target="webhook [^"]+",result="dropped"\} [45]/);
    }
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
});
