import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { isStream } from '../../../src/admin/command.ts';
import { gatewayCommands } from '../../../src/admin/commands/gateway.ts';
import type { AdminContext } from '../../../src/admin/context.ts';
import { createLog } from '../../../src/platform/log.ts';
import { RpcError } from '../../../src/rpc/errors.ts';
import { configChangedSchema } from '../../../src/rpc/handover/answer.ts';
import { ENGINE_FILE } from '../../../src/rpc/presence-engine/format.ts';
import { createRpcServer, rpcMethod } from '../../../src/rpc/server.ts';
import { until } from '../../rpc/support/until.ts';
import { openOamWorld } from './world.ts';

describe('the OAM Agent', () => {
  it('writes parameters and gateways, and has the Presence Engine run them', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    await world.startEngine();
    assert.equal(world.engine.configuration()?.parameters.presenceChangesPerSecond, 50);
    assert.deepEqual(world.engine.configuration()?.peer, { id: 2, name: 'imp2', address: '10.0.0.2' });
    await world.set('PresenceChangesPerSecond', '80');
    assert.equal(await world.note(), 'wrote version 2, Presence Engine runs 2');
    assert.equal(world.engine.configuration()?.parameters.presenceChangesPerSecond, 80);
    await world.set('presenceChangesPerSecond', '20', 'imp1');
    await world.note();
    assert.equal(world.engine.configuration()?.parameters.presenceChangesPerSecond, 20, "the node's own value wins");
    await world.test.ids.transaction('administrator', (trx) =>
      trx
        .insertInto('presencegateway')
        .values({ pkid: 'g', type: 'CUCM', description: '', gateway: 'cucm1.acme.example' })
        .execute(),
    );
    assert.equal(await world.note(), 'wrote version 4, Presence Engine runs 4');
    assert.deepEqual(world.engine.configuration()?.gateways, [{ type: 'CUCM', address: 'cucm1.acme.example' }]);
    assert.equal(world.agent.detail(), 'version 4 is written, Presence Engine runs 4');
    assert.match(world.engine.detail(), /^runs configuration 4: 1 presence gateways/);
    assert.deepEqual(world.alarms(), []);
    assert.deepEqual(world.failures, []);
  });

  it('takes the gateways that administrators set, and tells nobody the secrets of their addresses', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    await world.startEngine();
    const { ids } = world.test;
    const run = async (words: string, given: Record<string, string>) => {
      const found = gatewayCommands.find((each) => each.words.join(' ') === words);
      assert.ok(found && !isStream(found));
      const call = { by: 'test', signal: new AbortController().signal };
      const result = await found.run({ ids } as unknown as AdminContext, found.arguments.parse(given), call);
      return (result as { gateways: { id: string; type: string; address: string }[] }).gateways;
    };
    const address = 'https://calendar.example/{user}/busy.ics?key=s3cret';
    const [added] = await run('gateway add', { type: 'iCalendar', address });
    assert.deepEqual([added?.type, added?.address], ['iCalendar', 'https://calendar.example']);
    await world.note();
    assert.deepEqual(world.engine.configuration()?.gateways, [{ type: 'iCalendar', address }]);

    const another = { type: 'iCalendar', address: 'https://other.example/{user}?key=s3cret' };
    await assert.rejects(run('gateway add', another), { kind: 'conflict' });
    await ids.transaction('administrator', (trx) =>
      trx
        .insertInto('presencegateway')
        .values({ pkid: 'z', type: 'iCalendar', description: '', gateway: another.address })
        .execute(),
    );
    await world.note();
    const [alarm] = world.test.alarms.active();
    assert.match(alarm?.message ?? '', /presencegateway iCalendar https:\/\/\S+: there is another one/);
    assert.doesNotMatch(alarm?.message ?? '', /s3cret/);
    await run('gateway remove', { id: 'z' });
    await world.note();
    assert.deepEqual(world.alarms(), []);
    assert.deepEqual(await run('gateway remove', { id: added?.id ?? '' }), []);
    await world.note();
    assert.deepEqual(world.engine.configuration()?.gateways, []);
    await assert.rejects(run('gateway remove', { id: 'z' }), { kind: 'not-found' });
    await assert.rejects(run('gateway add', { type: 'CUCM', address: 'no host' }), { kind: 'invalid' });
  });

  it('keeps the old value of what is out of range, and names it', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    await world.startEngine();
    await world.set('subscriptionSeconds', '7200');
    await world.note();
    await world.set('subscriptionSeconds', '59');
    assert.equal(await world.note(), 'unchanged, Presence Engine runs 2');
    assert.deepEqual(world.alarms(), ['oam-agent/PEOamInvalidConfigFile']);
    assert.match(
      world.test.alarms.active()[0]?.message ?? '',
      /subscriptionSeconds: "59" is not .* from 60 to 86400; "7200" stays/,
    );
    await world.set('subscriptionSeconds', '3600');
    await world.set('cpuLowPercent', '95');
    await world.note();
    assert.match(
      world.test.alarms.active()[0]?.message ?? '',
      /cpuLowPercent: 95 is not below cpuHighPercent 90; 80 and 90 stay/,
    );
    await world.set('cpuLowPercent', '70');
    await world.note();
    assert.deepEqual(world.alarms(), []);
    assert.equal(world.engine.configuration()?.parameters.cpuLowPercent, 70);
  });

  it('says what needs a restart; the rest is in force at once', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    await world.startEngine();
    await world.set('calendarThreads', '5');
    assert.equal(
      await world.note(),
      'wrote version 2, Presence Engine runs 2, in full after a restart (calendarThreads)',
    );
    assert.equal(world.engine.configuration()?.parameters.calendarThreads, 20);
    const texts = (): string[] => world.test.notifications.active().map(({ service, text }) => `${service}: ${text}`);
    await until(() => /^presence-engine: calendarThreads: 20 → 5, by \S+ at /.test(texts()[0] ?? ''));
    await world.set('calendarThreads', '20');
    assert.equal(await world.note(), 'wrote version 3, Presence Engine runs 3', 'reverted before the restart');
    assert.deepEqual(texts(), []);
  });

  it('raises the alarms of the first file and of later ones, and clears them', async () => {
    await using world = await openOamWorld();
    world.files.left = 1;
    await world.startAgent();
    const starting = world.startEngine();
    await until(() => world.alarms().includes('presence-engine/PEOamInitialConfigFileError'));
    assert.ok(world.alarms().includes('oam-agent/PEOamInitialConfigFileError'));
    world.files.left = -1;
    await world.clock.advanceUntil(() => world.engine.configuration() !== undefined);
    await starting;
    await world.clock.advanceUntil(() => world.alarms().length === 0);
    world.files.left = 1;
    await world.set('maximumContacts', '5');
    await until(() => world.alarms().includes('oam-agent/PEOamConfigFileError'));
    world.files.left = -1;
    await world.clock.advanceUntil(() => world.engine.configuration()?.parameters.maximumContacts === 5);
    await world.clock.advanceUntil(() => world.alarms().length === 0);
    assert.deepEqual(world.failures, []);
  });

  it('has an engine wait that finds nothing good at its start', async () => {
    await using world = await openOamWorld();
    const scope = await world.startAgent();
    await scope.close();
    const file = join(world.folder, ENGINE_FILE);
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.replace('imp1', 'imp9'));
    const starting = world.startEngine();
    await until(() => world.alarms().includes('presence-engine/PEOamInvalidInitialConfigFile'));
    assert.equal(world.engine.configuration(), undefined);
    await world.startAgent();
    await world.clock.advanceUntil(() => world.engine.configuration() !== undefined);
    await starting;
    await world.clock.advanceUntil(() => world.alarms().length === 0);
    assert.equal(world.engine.configuration()?.node.name, 'imp1');
  });

  it('tells an engine that does not answer after 5 s, 10 s … 5 min; the file is there meanwhile', async () => {
    let calls = 0;
    let isGood = false;
    let port = 0;
    await using world = await openOamWorld({
      control: {
        controlAddress: () => ({ host: '127.0.0.1', port }),
        onRunning: () => ({ [Symbol.dispose]: () => undefined }),
      },
    });
    const server = createRpcServer({
      name: 'other engine',
      tls: world.tls,
      methods: {
        configChanged: rpcMethod({
          params: configChangedSchema,
          async handle({ version }) {
            calls += 1;
            if (!isGood) throw new RpcError('rpc.closed', 'not now');
            return { version };
          },
        }),
        configVersion: rpcMethod({ params: z.unknown(), handle: async () => ({ version: null }) }),
      },
      clock: world.clock,
      log: createLog({ level: 'silent' }),
    });
    await server.listen('127.0.0.1', 0);
    port = server.port;
    await world.startAgent();
    assert.deepEqual(world.alarms(), ['oam-agent/PEConfigNotificationFailure']);
    assert.equal(calls, 1);
    await world.set('maximumContacts', '5');
    assert.match(await world.note(), /^wrote version 2, Presence Engine could not be told/);
    assert.match(await readFile(join(world.folder, ENGINE_FILE), 'utf8'), /name="maximumContacts" value="5"/);
    for (const pause of [5, 10, 20, 40, 80, 160, 300, 300]) {
      const before: number = calls;
      // The pause began when the failure was heard of, 0.3 s before `note` in the first round.
      await world.clock.advance(pause * 1_000 - 400);
      assert.equal(calls, before, `no call before ${pause} s are over`);
      await world.clock.advance(400);
      await until(() => calls === before + 1);
      await until(() => world.test.alarms.active()[0]?.count === calls);
    }
    isGood = true;
    await world.clock.advance(300_000);
    await until(() => world.alarms().length === 0);
    assert.equal(world.agent.detail(), 'version 2 is written, Presence Engine runs 2');
    await server.close();
  });
});
