import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { makeTestTls, type TestTls } from '../../rpc/support/test-tls.ts';
import { until } from '../../rpc/support/until.ts';
import { addRoute, openConfigWorld } from './world.ts';

/** Somebody else's SIP proxy: it does as it is told, or not. */
describe('the Config Agent and another SIP Proxy', () => {
  let server: Server;
  let tls: TestTls;
  let behave: (version: number | undefined) => { status: number; body: string } | undefined = () => undefined;
  const calls: string[] = [];
  before(async () => {
    tls = await makeTestTls();
    server = createServer({ ...tls.node }, (request, response) => {
      calls.push(`${request.method} ${request.url}`);
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const answer = behave(body === '' ? undefined : (JSON.parse(body) as { version: number }).version);
        if (answer) response.writeHead(answer.status).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const control = {
    controlUrl: (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    onRunning: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const open = async () => {
    const world = await openConfigWorld({ control });
    Object.assign(world.tls, { ca: tls.ca });
    return world;
  };
  const json = (status: number, body: object) => ({ status, body: JSON.stringify(body) });

  it('passes on a refusal with the bad element, does not call again for it, and clears the alarm', async () => {
    await using world = await open();
    behave = (version) => json(200, { version: version ?? 1 });
    await world.startAgent();
    behave = (version) =>
      version === undefined || version === 2
        ? json(version === undefined ? 200 : 409, {
            version: 1,
            refused: { version: 2, element: 'static-route[1]', reason: 'static-route[1]: no such gateway' },
          })
        : json(200, { version });
    await addRoute(world, {});
    assert.equal(
      await world.note(),
      'wrote version 2, SIP Proxy refused it and runs 1: static-route[1]: no such gateway',
    );
    assert.deepEqual(world.alarms(), ['sip-proxy/ESPConfigError']);
    calls.length = 0;
    while (calls.length < 3) await world.clock.advance(10_000);
    assert.deepEqual([...new Set(calls)], ['GET /config-version']);
    await addRoute(world, { pattern: '8*' });
    assert.equal(await world.note(), 'wrote version 3, SIP Proxy runs 3');
    assert.deepEqual(world.alarms(), []);
  });

  it('repeats a call that was lost, by the back-off of the change feed', async () => {
    await using world = await open();
    behave = (version) => json(200, { version: version ?? 1 });
    await world.startAgent();
    behave = () => json(500, {});
    await addRoute(world, {});
    await until(() => world.alarms().includes('config-agent/ChangeFeedConsumerFailed'));
    calls.length = 0;
    await world.clock.advance(1_000);
    await until(() => calls.length === 1);
    await world.clock.advance(1_000);
    assert.equal(calls.length, 1);
    behave = (version) => json(200, { version: version ?? 2 });
    await world.clock.advance(2_000);
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy runs 2');
    await until(() => world.alarms().length === 0);
  });

  it('gives up a call after its time, and takes nonsense for a lost call', async () => {
    await using world = await open();
    behave = (version) => json(200, { version: version ?? 1 });
    await world.startAgent();
    behave = () => undefined;
    calls.length = 0;
    await addRoute(world, {});
    await until(() => calls.length === 1);
    await world.clock.advance(10_000);
    await until(() => world.alarms().includes('config-agent/ChangeFeedConsumerFailed'));
    assert.match(world.test.alarms.active()[0]?.message ?? '', /did not answer within 10 s/);
    behave = () => ({ status: 200, body: 'x'.repeat(100_000) });
    await world.clock.advance(60_000);
    behave = (version) => json(200, { version: version ?? 2 });
    await world.clock.advanceUntil(() => world.agent.detail() === 'version 2 is written, SIP Proxy runs 2');
  });

  it('goes above the version that the proxy runs when ours was forgotten', async () => {
    await using world = await open();
    let runs = 41;
    behave = (version) => {
      if (version !== undefined && version > runs) runs = version;
      return json(200, { version: runs });
    };
    await world.startAgent();
    assert.equal(runs, 42);
    assert.equal(world.agent.detail(), 'version 42 is written, SIP Proxy runs 42');
  });
});
