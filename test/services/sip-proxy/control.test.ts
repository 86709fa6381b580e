import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agent, request } from 'undici';
import { createFileStore } from '../../../src/rpc/handover/file-store.ts';
import { createConfigurationWriter } from '../../../src/rpc/handover/writer.ts';
import { sipProxyFormat } from '../../../src/rpc/sip-proxy/format.ts';
import { proxyConfiguration } from '../../rpc/support/proxy-configuration.ts';
import { makeTestTls, type TestTls } from '../../rpc/support/test-tls.ts';
import { until } from '../../rpc/support/until.ts';
import { log, openConfigWorld, setParameter } from '../config-agent/world.ts';

describe("the SIP Proxy's control port", () => {
  it('answers to those who show a certificate of the cluster, and to what it knows', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    const scope = await world.startProxy();
    const url = world.proxy.controlUrl() ?? assert.fail('it listens');
    const agentOf = (tls: TestTls): Agent => new Agent({ connect: { ca: world.tls.ca, ...tls.node } });
    const ours = agentOf(world.tls);
    const ask = async (method: 'GET' | 'POST', path: string, body: string | null = null): Promise<string> => {
      const answer = await request(`${url}${path}`, { method, body, dispatcher: ours });
      return `${answer.statusCode} ${(await answer.body.text()).trim()}`;
    };
    assert.equal(await ask('GET', '/config-version'), '200 {"version":1,"restartNeeded":[],"refused":null}');
    assert.equal(
      await ask('POST', '/config-changed', '{"version":1}'),
      '200 {"version":1,"restartNeeded":[],"refused":null}',
    );
    assert.match(await ask('POST', '/config-changed', '{"version":2}'), /^409 .*version 2 was announced/);
    for (const body of ['', '{', '{"version":-1}', '{"version":1,"more":1}', '[]']) {
      assert.match(await ask('POST', '/config-changed', body), /^400 /, body);
    }
    assert.match(await ask('POST', '/config-changed', 'x'.repeat(5_000)), /^413 /);
    assert.match(await ask('GET', '/config-changed'), /^405 /);
    assert.match(await ask('GET', '/'), /^404 /);
    const theirs = agentOf(await makeTestTls());
    await assert.rejects(request(`${url}/config-version`, { dispatcher: theirs }));
    const nobody = new Agent({ connect: { ca: world.tls.ca } });
    await assert.rejects(request(`${url}/config-version`, { dispatcher: nobody }));
    await Promise.all([ours, theirs, nobody].map((each) => each.destroy()));
    await scope.close();
    assert.equal(world.proxy.controlUrl(), undefined);
    assert.equal(world.proxy.configuration(), undefined);
  });

  it('shows a renewed certificate at once, and the Config Agent goes on with its own', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    const before = { ...world.tls };
    const renewed = await makeTestTls();
    Object.assign(world.tls, renewed);
    world.proxy.renewTls(renewed);
    const url = `${world.proxy.controlUrl()}/config-version`;
    const theirs = new Agent({ connect: { ca: before.ca, ...before.node } });
    await assert.rejects(request(url, { dispatcher: theirs }));
    const ours = new Agent({ connect: { ca: renewed.ca, ...renewed.node } });
    assert.equal((await request(url, { dispatcher: ours })).statusCode, 200);
    await setParameter(world, 'sip-proxy', 'recordRoute', 'off');
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy runs 2');
    await Promise.all([theirs.destroy(), ours.destroy()]);
  });

  it('finds a new version by itself within 30 s when no call came', async () => {
    await using world = await openConfigWorld();
    const scope = await world.startAgent();
    await world.startProxy();
    await scope.close();
    const writer = createConfigurationWriter(sipProxyFormat, createFileStore(world.folder), log);
    await writer.write(proxyConfiguration('later'), 0);
    const seen: number[] = [];
    using _watch = world.proxy.onConfiguration(({ dynamic }) => seen.push(dynamic.domains.length));
    await world.clock.advance(29_000);
    assert.deepEqual(seen, []);
    await world.clock.advance(1_000);
    await until(() => seen.length === 1);
    assert.match(world.proxy.detail(), /^runs configuration 2: 2 domains/);
  });
});
