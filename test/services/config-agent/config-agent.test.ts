import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SIP_PROXY_MAIN_FILE } from '../../../src/rpc/sip-proxy/format.ts';
import { until } from '../../rpc/support/until.ts';
import { addRoute, openConfigWorld, setParameter } from './world.ts';

describe('the Config Agent', () => {
  it('writes every change of interest and has the SIP Proxy load it', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    assert.equal(world.proxy.configuration()?.dynamic.defaultDomain, 'acme.example');
    await addRoute(world, {});
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy runs 2');
    assert.equal(world.proxy.configuration()?.dynamic.staticRoutes[0]?.pattern, '74*');
    const { ids } = world.test;
    await ids.transaction('administrator', async (trx) => {
      await trx
        .insertInto('proxyacl')
        .values({ pkid: 'a', direction: 'incoming', pattern: '10.0.0.0/8', description: '' })
        .execute();
      await trx
        .insertInto('federateddomain')
        .values({ domain: 'X.example', policy: 'block', protocol: 'SIP' })
        .execute();
      await trx
        .insertInto('methodeventroute')
        .values({
          pkid: 'm',
          method: 'SUBSCRIBE',
          event: 'presence',
          listener: 'Default Cisco SIP Proxy TCP Listener',
        })
        .execute();
      for (const [pkid, name] of Object.entries({ p: 'cucm1.acme.example', e: 'EnterpriseWideData' })) {
        await trx
          .insertInto('processnode')
          .values({ pkid, name, description: '', nodeusage: 'Publisher', role: 'CUCM Voice/Video' })
          .execute();
      }
    });
    assert.equal(await world.note(), 'wrote version 3, SIP Proxy runs 3');
    const { dynamic } = world.proxy.configuration() ?? assert.fail('the proxy runs');
    assert.deepEqual(dynamic.incomingAcl, [
      { pattern: '10.0.0.0/8', isGenerated: false },
      { pattern: '127.0.0.1', isGenerated: true },
      { pattern: 'cucm1.acme.example', isGenerated: true },
    ]);
    assert.deepEqual(dynamic.federatedDomains, [{ domain: 'x.example', policy: 'block', protocol: 'SIP' }]);
    assert.equal(dynamic.methodEventRoutes.length, 1);
    assert.equal(world.agent.detail(), 'version 3 is written, SIP Proxy runs 3');
    assert.match(world.proxy.detail(), /^runs configuration 3: 1 domains, 1 static routes/);
    const metrics = await world.test.metrics.render();
    assert.match(metrics, /imp_config_running_version\{component="sip-proxy"\} 3/);
    assert.deepEqual(world.alarms(), []);
    assert.deepEqual(world.failures, []);
  });

  it('gives no new version to what changes nothing', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    await world.test.ids.transaction('node', (trx) =>
      trx.updateTable('enterprisenode').set({ tkhaserverstate: 3 }).execute(),
    );
    await world.note();
    await world.test.ids.transaction('node', (trx) =>
      trx.updateTable('enterprisenode').set({ tkhaserverstate: 2 }).execute(),
    );
    assert.equal(await world.note(), 'unchanged, SIP Proxy runs 1');
  });

  it('writes for a proxy that is down, which reads it at its start', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await addRoute(world, {});
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy is not running and reads it at its start');
    assert.equal(world.agent.detail(), 'version 2 is written, SIP Proxy is not running');
    await world.startProxy();
    assert.match(world.proxy.detail(), /^runs configuration 2/);
    await until(() => world.agent.detail() === 'version 2 is written, SIP Proxy runs 2');
  });

  it('asks a person for the restart that a change needs, until it is done or the change undone', async () => {
    await using world = await openConfigWorld();
    const { notifications } = world.test;
    const texts = (): string[] => notifications.active().map(({ service, text }) => `${service}: ${text}`);
    await world.startAgent();
    const scope = await world.startProxy();
    await setParameter(world, 'sip-proxy', 'statefulServer', 'false');
    await setParameter(world, 'sip-proxy', 'persistentTcp', 'false');
    await setParameter(world, 'sip-proxy', 'recordRoute', 'off');
    await world.note();
    // Who it was is read from the change log beside the work.
    await until(() => texts().length === 2 && texts().every((text) => text.includes(', by ')));
    assert.match(
      texts()[0] ?? '',
      /^sip-proxy: statefulServer: true → false, by administrator at \d{4}-.*Z\. Restart the Cisco SIP Proxy to put it into force\.$/,
    );
    await setParameter(world, 'sip-proxy', 'persistentTcp', 'true');
    await world.note();
    assert.equal(texts().length, 1);
    await scope.close();
    assert.equal(texts().length, 1, 'stopped is not restarted');
    await world.startProxy();
    assert.deepEqual(texts(), []);
    assert.deepEqual(
      notifications.history().map(({ clearedBy }) => clearedBy),
      ['restart', 'reverted'],
    );
  });

  it('says what needs a restart, and the proxy keeps to what it was started with', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    const scope = await world.startProxy();
    await setParameter(world, 'sip-proxy', 'statefulServer', 'false');
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy runs 2, in full after a restart (statefulServer)');
    assert.equal(world.proxy.configuration()?.base.parameters.statefulServer, true);
    await setParameter(world, 'sip-proxy', 'recordRoute', 'off');
    assert.match(await world.note(), /runs 3, in full after a restart \(statefulServer\)/);
    assert.equal(world.proxy.configuration()?.dynamic.parameters.recordRoute, false);
    await scope.close();
    await world.startProxy();
    assert.equal(world.proxy.configuration()?.base.parameters.statefulServer, false);
    await until(() => world.agent.detail() === 'version 3 is written, SIP Proxy runs 3');
  });

  it('leaves out what is not valid, names it in an alarm, and clears the alarm', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    await addRoute(
      world,
      { pkid: 'bad', pattern: '7*4' },
      { pattern: '75*', weight: 0 },
      { pattern: '76*' },
      { pattern: '77*', block: 1, weight: 0, nexthop: 'not a host' },
    );
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy runs 2');
    const patterns = (): unknown => world.proxy.configuration()?.dynamic.staticRoutes.map(({ pattern }) => pattern);
    assert.deepEqual(patterns(), ['76*', '77*'], 'a slip in a blocking route does not let through what it blocks');
    assert.deepEqual(world.alarms(), ['config-agent/EspConfigAgentSharedMemoryStaticRouteError']);
    const [alarm] = world.test.alarms.active();
    assert.match(alarm?.message ?? '', /static route user 75\* over gw1\.acme\.example:5060: weight 0 is not from 1/);
    await world.test.ids.transaction('administrator', (trx) =>
      trx
        .deleteFrom('staticroute')
        .where((eb) => eb.or([eb('pkid', '=', 'bad'), eb('weight', '=', 0)]))
        .execute(),
    );
    await world.note();
    assert.deepEqual(world.alarms(), []);
    await setParameter(world, 'sip-proxy', 'cucmDomain', 'cucm.acme.example');
    await setParameter(world, 'sip-proxy', 'colour', 'red');
    await world.note();
    await setParameter(world, 'sip-proxy', 'cucmDomain', 'no domain!');
    await world.note();
    assert.deepEqual(world.alarms(), ['config-agent/ESPConfigError']);
    assert.match(
      world.test.alarms.active()[0]?.message ?? '',
      /parameter colour.*cucmDomain: .*"cucm\.acme\.example" stays/,
    );
    assert.equal(world.proxy.configuration()?.dynamic.parameters.cucmDomain, 'cucm.acme.example');
  });

  it('takes a hundred routes of one pattern, the best ones', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    await addRoute(world, ...Array.from({ length: 103 }, (_none, at) => ({ priority: 200 - at })));
    await world.note();
    const routes = world.proxy.configuration()?.dynamic.staticRoutes ?? [];
    assert.equal(routes.length, 100);
    assert.equal(Math.max(...routes.map(({ priority }) => priority)), 197);
    assert.match(world.test.alarms.active()[0]?.message ?? '', /there are 100 with this pattern already/);
  });

  it('writes nothing without a default domain, and goes on when there is one', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    const setDefault = async (isdefault: number): Promise<string> => {
      await world.test.ids.transaction('administrator', (trx) =>
        trx.updateTable('imdomain').set({ isdefault }).execute(),
      );
      return await world.note();
    };
    assert.match(await setDefault(0), /^nothing written: there is no default IM domain/);
    assert.deepEqual(world.alarms(), ['config-agent/EspConfigAgentProxyDomainNotConfigured']);
    assert.match(world.proxy.detail(), /^runs configuration 1/);
    assert.equal(await setDefault(1), 'unchanged, SIP Proxy runs 1');
    assert.deepEqual(world.alarms(), []);
  });

  it('puts right a file that was deleted or edited by hand', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    const main = join(world.folder, SIP_PROXY_MAIN_FILE);
    const whole = await readFile(main, 'utf8');
    await writeFile(main, whole.replace('acme.example', 'evil.example'));
    await world.clock.advanceUntil(
      () => !world.alarms().includes('sip-proxy/ESPConfigError') && world.agent.detail().endsWith('runs 1'),
    );
    assert.equal(world.proxy.configuration()?.dynamic.defaultDomain, 'acme.example');
    await rm(world.folder, { recursive: true });
    // The folder with its counter is gone: what the proxy runs says how far the versions have come.
    await world.clock.advanceUntil(() => world.agent.detail() === 'version 2 is written, SIP Proxy runs 2');
    assert.ok((await readdir(world.folder)).includes(SIP_PROXY_MAIN_FILE));
    await until(() => world.alarms().length === 0);
    assert.deepEqual(world.failures, []);
  });

  it('survives a full disk: the old version stays whole, the alarm goes when the disk has room', async () => {
    await using world = await openConfigWorld();
    await world.startAgent();
    await world.startProxy();
    world.files.left = 2;
    await addRoute(world, {});
    await until(() => world.alarms().includes('config-agent/EspConfigAgentFileWriteError'));
    assert.match(world.agent.detail(), /^version 1 is written, .*ENOSPC/);
    const { done } = world.files;
    for (let looks = 0; looks < 5; looks += 1) await world.clock.advance(0);
    assert.equal(world.files.done, done, 'it does not try without pause');
    assert.match(world.proxy.detail(), /^runs configuration 1/);
    world.files.left = -1;
    await world.clock.advanceUntil(() => world.agent.detail() === 'version 2 is written, SIP Proxy runs 2');
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy runs 2');
    await until(() => world.alarms().length === 0);
    assert.deepEqual(world.failures, []);
  });

  it('starts on a full disk, and the proxy waits for it', async () => {
    await using world = await openConfigWorld();
    world.files.left = 0;
    world.files.code = 'EACCES';
    await world.startAgent();
    assert.match(world.agent.detail(), /^nothing written: .*EACCES/);
    let isUp = false;
    const starting = world.startProxy().then(() => {
      isUp = true;
    });
    await until(() => world.alarms().includes('sip-proxy/ESPConfigNotFound'));
    assert.equal(isUp, false);
    world.files.left = -1;
    await world.clock.advanceUntil(() => isUp);
    await starting;
    await world.clock.advanceUntil(() => world.alarms().length === 0);
    assert.match(world.proxy.detail(), /^runs configuration 1/);
  });

  it('finishes at its start what was cut off before', async () => {
    await using world = await openConfigWorld();
    const scope = await world.startAgent();
    await scope.close();
    await addRoute(world, {});
    world.files.left = 6;
    const cut = await world.startAgent();
    await until(() => world.alarms().includes('config-agent/EspConfigAgentFileWriteError'));
    await cut.close();
    world.files.left = -1;
    await world.startAgent();
    assert.equal(await world.note(), 'wrote version 2, SIP Proxy is not running and reads it at its start');
  });
});
