import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { ImpError } from '../../../src/platform/errors.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createMetrics } from '../../../src/platform/metrics.ts';
import { createScope } from '../../../src/platform/scope.ts';
import { deviceOf } from '../../../src/services/rcc-device-selection/device-registrations.ts';
import type { LineControl } from '../../../src/services/rcc-device-selection/line-control/line-control.ts';
import { createSimulator } from '../../../src/services/rcc-device-selection/line-control/simulator.ts';
import { createSipDeviceRegistrations } from '../../../src/services/rcc-device-selection/rcc-device-selection.ts';
import {
  createSipRegistrationDatastore,
  type SipBinding,
  sipRegistrationDatastoreDescriptor,
} from '../../../src/services/sip-registration-datastore/sip-registration-datastore.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { openClient } from './csta-client.ts';
import { HARD, openRccWorld, SOFT } from './rcc-world.ts';

const CAROL = 'tel:1003;phone-context=dialstring';

/** The simulator, whose connection can be cut and whose lines are written down. */
function watchedSimulator(clock: FakeClock): {
  readonly lineControl: LineControl;
  readonly log: string[];
  isAway: boolean;
  lose(): void;
} {
  const simulator = createSimulator({ clock }, { answerSeconds: 0 });
  const listeners = new Set<(state: 'up' | 'down') => void>();
  const log: string[] = [];
  const watched = {
    log,
    isAway: false,
    lose() {
      for (const listener of [...listeners]) listener('down');
    },
    lineControl: {
      ...simulator,
      async open(scope) {
        if (watched.isAway) throw new ImpError('unavailable', 'test.away', 'it is away');
        await simulator.open(scope);
      },
      async openLine(address, listener) {
        log.push(`open ${address.device}`);
        const line = await simulator.openLine(address, listener);
        return {
          ...line,
          async [Symbol.asyncDispose]() {
            log.push(`close ${address.device}`);
            await line[Symbol.asyncDispose]();
          },
        };
      },
      onState(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    } satisfies LineControl,
  };
  return watched;
}

type Watched = ReturnType<typeof watchedSimulator>;

describe('sessions and phones that come and go', () => {
  it('changes the phone of a session until it is established, and not after that', async () => {
    let watched: Watched | undefined;
    await using world = await openRccWorld({
      lineControl: (clock) => {
        watched = watchedSimulator(clock);
        return watched.lineControl;
      },
    });
    await using carol = await openClient(world, 'carol', CAROL);
    await carol.signIn({ isSilent: true });
    assert.deepEqual(watched?.log, [`open ${HARD}`]);
    world.registrations.set(SOFT, true);
    await turn();
    assert.deepEqual(watched?.log, [`open ${HARD}`, `open ${SOFT}`, `close ${HARD}`]);
    await carol.acknowledge();
    await carol.ask('GetCSTAFeatures', '');
    world.registrations.set(SOFT, false);
    await turn();
    assert.equal(watched?.log.length, 3);
    await carol.bye();
    await turn();
    assert.deepEqual(watched?.log.slice(3), [`close ${SOFT}`]);
  });

  it('keeps its connection to line control up, with alarms, and lets clients sign in anew after a loss', async () => {
    let watched: Watched | undefined;
    await using world = await openRccWorld({
      options: { retrySeconds: 10 },
      lineControl: (clock) => {
        watched = watchedSimulator(clock);
        watched.isAway = true;
        return watched.lineControl;
      },
    });
    assert.ok(watched);
    assert.deepEqual(world.alarms(), ['CTIGWProviderFailedToOpen']);
    assert.match(world.service.detail(), /not connected/);
    await using carol = await openClient(world, 'carol', CAROL);
    const refused = await carol.signIn();
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.text('retry-after'), '30');
    watched.isAway = false;
    await world.clock.advance(10_000);
    assert.deepEqual(world.alarms(), []);
    assert.equal((await carol.signIn()).status, 200);
    await carol.monitor();

    watched.isAway = true;
    watched.lose();
    await turn();
    assert.deepEqual(world.alarms(), ['CTIGWProviderDown']);
    assert.equal(carol.isEnded, false);
    assert.equal((await carol.ask('GetCSTAFeatures', '')).status, 481);
    watched.isAway = false;
    await world.clock.advance(10_000);
    assert.deepEqual(world.alarms(), []);
    assert.equal((await carol.signIn()).status, 200);
  });
});

describe('registrations of phones', () => {
  const binding = (more: Partial<SipBinding>): SipBinding => ({
    address: 'carol@acme.example',
    contact: 'sip:carol@10.0.0.1',
    outbound: null,
    params: {},
    q: 1_000,
    callId: 'a',
    cseq: 1,
    registeredAt: 0,
    expiresAt: Date.UTC(2026, 0, 1, 1),
    path: [],
    flow: null,
    isBehindFlow: false,
    node: 'imp1',
    userAgent: '',
    ...more,
  });
  const NAMED = { '+u.sip!devicename.ccm.cisco.com': 'csfcarol' };
  const INSTANCE = '<urn:uuid:00000000-0000-0000-0000-001e7a0003eb>';

  it('knows a phone by its name, or by the MAC address of its instance', () => {
    assert.equal(deviceOf(binding({ params: NAMED })), SOFT);
    assert.equal(deviceOf(binding({ params: { '+sip.instance': INSTANCE } })), HARD);
    assert.equal(deviceOf(binding({ outbound: { instance: INSTANCE, regId: 1 } })), HARD);
    assert.equal(
      deviceOf(binding({ params: { '+sip.instance': '<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>' } })),
      null,
    );
    assert.equal(deviceOf(binding({})), null);
  });

  it('follows the SIP Registration Datastore: a phone is there while one contact of it is', async () => {
    const clock = new FakeClock();
    const log = createLog({ level: 'silent' });
    await using engine = createMemoryEngine({ clock, metrics: createMetrics(), log });
    const store = createSipRegistrationDatastore(
      { engine, clock, log },
      sipRegistrationDatastoreDescriptor.options.parse({}),
    );
    using registrations = createSipDeviceRegistrations(store);
    const heard: string[] = [];
    using _changes = registrations.onChange((device) => heard.push(device));
    const scope = createScope(clock, (error) => {
      throw error;
    });
    await store.start(scope);
    const put = (...bindings: readonly SipBinding[]): Promise<unknown> =>
      store.change('carol@acme.example', () => ({ put: bindings, remove: [] }));
    await put(binding({ params: NAMED }));
    assert.equal(registrations.isRegistered('CSFCarol'), true);
    assert.equal(registrations.isRegistered(HARD), false);
    await put(binding({ params: NAMED, contact: 'sip:carol@10.0.0.2', expiresAt: clock.now() + 60_000 }));
    await put(binding({ contact: 'sip:carol@10.0.0.3' }));
    await clock.advance(60_000);
    assert.equal(registrations.isRegistered(SOFT), true);
    await store.remove(binding({ params: NAMED }));
    assert.equal(registrations.isRegistered(SOFT), false);
    assert.deepEqual(heard, [SOFT, SOFT]);
    await scope.close();
  });
});
