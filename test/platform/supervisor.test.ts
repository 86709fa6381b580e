import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { createAlarms } from '../../src/platform/alarms.ts';
import { createLog } from '../../src/platform/log.ts';
import type { Scope, Service, ServiceDescriptor } from '../../src/platform/service.ts';
import { createSupervisor, type MadeService, type Supervisor } from '../../src/platform/supervisor.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';

interface Fake {
  readonly made: MadeService;
  starts: number;
  stops: number;
  /** Set to make `start` reject. */
  failure: Error | undefined;
  /** Makes a running service fail. */
  crash(error: Error): void;
}

function fake(name: string, more: Partial<ServiceDescriptor> = {}): Fake {
  let crash: (error: Error) => void = () => undefined;
  const result: Fake = {
    starts: 0,
    stops: 0,
    failure: undefined,
    crash: (error) => crash(error),
    made: {
      descriptor: {
        name,
        title: `Cisco ${name}`,
        purpose: 'a test',
        kind: 'network',
        isXcp: false,
        dependsOn: [],
        waitsForDataMonitor: false,
        conformance: [],
        options: z.strictObject({}),
        ...more,
      } as ServiceDescriptor<unknown>,
      service: {
        async start(scope: Scope) {
          result.starts += 1;
          if (result.failure) throw result.failure;
          scope.run(
            (signal) =>
              new Promise((resolve, reject) => {
                crash = reject;
                signal.addEventListener('abort', () => resolve());
              }),
          );
          scope.defer(() => {
            result.stops += 1;
          });
        },
        detail: () => `${name} runs`,
      } satisfies Service,
    },
  };
  return result;
}

function supervise(fakes: readonly Fake[], activated: readonly string[] = []) {
  const clock = new FakeClock();
  const log = createLog({ level: 'silent' });
  const alarms = createAlarms(clock, log);
  const gate = { isOpen: true, waitsFor: 'the first sync' };
  const active = new Set(activated);
  const supervisor: Supervisor = createSupervisor({
    services: fakes.map((each) => each.made),
    activations: {
      isActivated: (name) => active.has(name),
      save: async (name, isActivated) => void (isActivated ? active.add(name) : active.delete(name)),
    },
    gate,
    clock,
    log,
    alarms,
  });
  const states = (): Record<string, string> =>
    Object.fromEntries(supervisor.status().map((status) => [status.name, status.state]));
  return { clock, alarms, gate, supervisor, states };
}

describe('the supervisor', () => {
  it('starts services after what they depend on, and stops them in reverse', async () => {
    const [router, store, agent] = [
      fake('router'),
      fake('store', { dependsOn: ['router'] }),
      fake('agent', { dependsOn: ['store'] }),
    ];
    const { supervisor, states } = supervise([agent, store, router]);
    assert.deepEqual(
      supervisor.status().map((each) => each.name),
      ['router', 'store', 'agent'],
    );
    supervisor.startAll();
    await turn();
    assert.deepEqual(states(), { router: 'Started', store: 'Started', agent: 'Started' });
    assert.equal(supervisor.isComplete, true);
    assert.equal(supervisor.statusOf('AGENT').detail, 'agent runs');
    await supervisor.stopAll();
    assert.deepEqual(states(), { router: 'Stopped', store: 'Stopped', agent: 'Stopped' });
    assert.deepEqual([router.stops, store.stops, agent.stops], [1, 1, 1]);
  });

  it('names a missing dependency and a circle', () => {
    assert.throws(() => supervise([fake('a', { dependsOn: ['b'] })]), /a depends on b, which does not exist/);
    assert.throws(
      () => supervise([fake('a', { dependsOn: ['b'] }), fake('b', { dependsOn: ['a'] })]),
      /circle: a → b → a/,
    );
  });

  it('shows a gated service as Starting, with what it waits for and since when', async () => {
    const gated = fake('gated', { waitsForDataMonitor: true });
    const { supervisor, gate, clock } = supervise([gated]);
    gate.isOpen = false;
    supervisor.startAll();
    await turn();
    const waiting = supervisor.statusOf('gated');
    assert.equal(waiting.state, 'Starting');
    assert.equal(waiting.waitingFor, 'the first sync');
    assert.equal(waiting.waitingSince, clock.now());
    assert.equal(waiting.reason.text, 'waiting for the first sync');
    assert.equal(gated.starts, 0);
    gate.isOpen = true;
    supervisor.poke();
    await turn();
    assert.equal(supervisor.statusOf('gated').state, 'Started');
  });

  it('can stop a service that still waits', async () => {
    const gated = fake('gated', { waitsForDataMonitor: true });
    const { supervisor, gate } = supervise([gated]);
    gate.isOpen = false;
    supervisor.startAll();
    await turn();
    const stopped = await supervisor.stop('gated', 'administrator');
    assert.equal(stopped.state, 'Stopped');
    assert.equal(stopped.reason.code, 'Commanded Out of Service');
    assert.equal(gated.starts, 0);
  });

  it('brings a crashed service back after 1, 5, 15 and 30 s, and gives up at the fifth failure in five minutes', async () => {
    const weak = fake('weak');
    const { supervisor, clock, alarms } = supervise([weak]);
    supervisor.startAll();
    await turn();
    for (const [index, pause] of [1_000, 5_000, 15_000, 30_000].entries()) {
      weak.crash(new Error(`cause ${index}`));
      await turn();
      const failing = supervisor.statusOf('weak');
      assert.equal(failing.state, 'Starting');
      assert.equal(failing.reason.text, `cause ${index}; next try in ${pause / 1000} s`);
      await clock.advance(pause - 1);
      assert.equal(weak.starts, index + 1);
      await clock.advance(1);
      assert.equal(supervisor.statusOf('weak').state, 'Started');
      assert.equal(supervisor.statusOf('weak').restartCount, index + 1);
    }
    weak.crash(new Error('the last'));
    await turn();
    const gaveUp = supervisor.statusOf('weak');
    assert.equal(gaveUp.state, 'Stopped');
    assert.equal(gaveUp.reason.code, 'Component is not running');
    assert.match(gaveUp.reason.text, /gave up after 5 failures: the last/);
    assert.equal(alarms.active()[0]?.name, 'ServiceExceededMaxRestarts');
    await supervisor.start('weak', 'administrator');
    assert.equal(supervisor.statusOf('weak').state, 'Started');
    assert.deepEqual(alarms.active(), []);
  });

  it('forgets failures that are older than five minutes', async () => {
    const weak = fake('weak');
    const { supervisor, clock } = supervise([weak]);
    supervisor.startAll();
    await turn();
    for (let index = 0; index < 8; index += 1) {
      weak.crash(new Error('again'));
      await clock.advance(5 * 60_000);
      assert.equal(supervisor.statusOf('weak').state, 'Started');
    }
  });

  it('reports the reason when starting itself fails', async () => {
    const weak = fake('weak');
    weak.failure = new Error('cannot listen on 127.0.0.1:1');
    const { supervisor, clock } = supervise([weak]);
    const status = await supervisor.start('weak', 'administrator');
    assert.equal(status.state, 'Starting');
    assert.match(status.reason.text, /cannot listen on 127.0.0.1:1; next try in 1 s/);
    weak.failure = undefined;
    await clock.advance(1_000);
    assert.equal(supervisor.statusOf('weak').state, 'Started');
  });

  it('refuses to start a feature service that is not activated; activation starts it, deactivation stops it', async () => {
    const feature = fake('feature', { kind: 'feature' });
    const { supervisor } = supervise([feature]);
    supervisor.startAll();
    await turn();
    assert.equal(supervisor.statusOf('feature').reason.code, 'Service Not Activated');
    await assert.rejects(() => supervisor.start('feature', 'administrator'), /not activated/);
    assert.equal((await supervisor.activate('feature', 'administrator')).state, 'Started');
    const down = await supervisor.deactivate('feature', 'administrator');
    assert.equal(down.state, 'Stopped');
    assert.equal(down.isActivated, false);
  });

  it('does not activate or deactivate network services, and knows no strangers', async () => {
    const { supervisor } = supervise([fake('network')]);
    await assert.rejects(() => supervisor.deactivate('network', 'administrator'), /network service/);
    await assert.rejects(() => supervisor.stop('stranger', 'administrator'), /no service named stranger/);
  });
});

describe('the XCP Router cascade', () => {
  const cluster = () => {
    const router = fake('xcp-router', { isXcp: true });
    const archiver = fake('xcp-message-archiver', { isXcp: true, kind: 'feature', dependsOn: ['xcp-router'] });
    const directory = fake('xcp-directory-service', { isXcp: true, kind: 'feature', dependsOn: ['xcp-router'] });
    const agent = fake('oam-agent');
    return {
      router,
      archiver,
      directory,
      agent,
      ...supervise([router, archiver, directory, agent], ['xcp-message-archiver', 'xcp-directory-service']),
    };
  };

  it('restart: every active XCP service is restarted after the router is up; one stopped by hand stays stopped', async () => {
    const { supervisor, states, archiver, directory, agent } = cluster();
    supervisor.startAll();
    await turn();
    await supervisor.stop('xcp-directory-service', 'administrator');
    await supervisor.restart('xcp-router', 'administrator');
    assert.deepEqual(states(), {
      'xcp-router': 'Started',
      'xcp-message-archiver': 'Started',
      'xcp-directory-service': 'Stopped',
      'oam-agent': 'Started',
    });
    assert.deepEqual([archiver.starts, directory.starts, agent.starts], [2, 1, 1]);
  });

  it('stop: every other XCP service is stopped; start: only the router starts', async () => {
    const { supervisor, states } = cluster();
    supervisor.startAll();
    await turn();
    await supervisor.stop('xcp-router', 'administrator');
    assert.equal(supervisor.statusOf('xcp-message-archiver').reason.text, 'XCP Router stopped');
    assert.equal(supervisor.statusOf('xcp-message-archiver').reason.code, 'Commanded Out of Service');
    await supervisor.start('xcp-router', 'administrator');
    assert.deepEqual(states(), {
      'xcp-router': 'Started',
      'xcp-message-archiver': 'Stopped',
      'xcp-directory-service': 'Stopped',
      'oam-agent': 'Started',
    });
  });
});
