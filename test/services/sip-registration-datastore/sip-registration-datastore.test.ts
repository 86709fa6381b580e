import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { ImpError } from '../../../src/platform/errors.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createMetrics } from '../../../src/platform/metrics.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import {
  createSipRegistrationDatastore,
  type SipBinding,
  type SipRegistrationDatastore,
} from '../../../src/services/sip-registration-datastore/sip-registration-datastore.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const log = createLog({ level: 'silent' });
const ALICE = 'alice@acme.example';

describe('the SIP Registration Datastore', () => {
  let clock: FakeClock;
  let store: SipRegistrationDatastore & Service;
  let scope: OwnedScope;
  const failures: unknown[] = [];

  const binding = (contact: string, given: Partial<SipBinding> = {}): SipBinding => ({
    ...{ address: ALICE, contact, outbound: null, params: {}, q: 1_000, callId: 'c', cseq: 1, registeredAt: 0 },
    ...{ expiresAt: clock.now() + 60_000, path: [], flow: null, isBehindFlow: false, node: 'imp1', userAgent: '' },
    ...given,
  });
  const put = (...bindings: SipBinding[]) =>
    store.change(bindings[0]?.address ?? ALICE, () => ({ put: bindings, remove: [] }));
  const contacts = async (address = ALICE): Promise<string[]> =>
    (await store.bindingsOf(address)).map(({ contact }) => contact).sort();
  const start = async (): Promise<void> => {
    scope = createScope(clock, (error) => failures.push(error));
    await store.start(scope);
  };

  beforeEach(async () => {
    clock = new FakeClock();
    const engine = createMemoryEngine({ clock, log, metrics: createMetrics() });
    store = createSipRegistrationDatastore({ engine, clock, log }, { maxBindings: 3 });
    await start();
  });
  afterEach(async () => {
    await scope.close();
    assert.deepEqual(failures.splice(0), []);
  });

  it('tells of every change, and lets each binding expire at its own time', async () => {
    const heard: string[] = [];
    using _watch = store.watch(({ kind, binding: { contact } }) => heard.push(`${kind} ${contact}`));
    await put(binding('one', { expiresAt: clock.now() + 30_000 }), binding('two'));
    await put(binding('one'));
    await store.change(ALICE, (present) => ({ put: [], remove: present.filter(({ contact }) => contact === 'one') }));
    await clock.advance(61_000);
    assert.deepEqual(heard, ['registered one', 'registered two', 'refreshed one', 'removed one', 'expired two']);
    assert.deepEqual(await contacts(), []);
  });

  it('changes all or nothing, also when it is full in the middle', async () => {
    await put(binding('one'), binding('two'));
    const full = put(binding('one', { cseq: 2 }), binding('three'), binding('four'));
    await assert.rejects(full, (error) => error instanceof ImpError && error.code === 'datastore.full');
    assert.deepEqual(await contacts(), ['one', 'two']);
    assert.deepEqual(
      (await store.bindingsOf(ALICE)).map(({ cseq }) => cseq),
      [1, 1],
    );
    await assert.rejects(
      store.change(ALICE, () => {
        throw new Error('refused');
      }),
      /refused/,
    );
  });

  it('lets changes of one user wait for each other', async () => {
    const seen = await Promise.all(
      ['one', 'two', 'three'].map((contact) =>
        store.change(ALICE, (present) => ({ put: [binding(contact)], remove: [], seen: present.length })),
      ),
    );
    assert.deepEqual(
      seen.map((each) => each.seen),
      [0, 1, 2],
    );
  });

  it('keeps flows of one instance apart, and removes only what was not registered anew', async () => {
    const flow = (regId: number, cseq = 1) => binding('same', { outbound: { instance: 'i', regId }, cseq });
    await put(flow(1), flow(2));
    assert.equal((await store.bindingsOf(ALICE)).length, 2);
    await put(flow(1, 2));
    await store.remove(flow(1));
    assert.equal((await store.bindingsOf(ALICE)).length, 2, 'it was registered anew');
    await store.remove(flow(1, 2));
    assert.equal((await store.bindingsOf(ALICE)).length, 1);
  });

  it('finds what a node has taken, and forgets a user', async () => {
    await put(binding('one'));
    await put(binding('two', { address: 'bob@acme.example', node: 'imp2' }));
    assert.deepEqual(
      (await store.bindingsOfNode('imp2')).map(({ address }) => address),
      ['bob@acme.example'],
    );
    await store.forget('bob@acme.example');
    assert.equal(await store.size(), 1);
    assert.equal(store.detail(), 'holds 1 registered contact');
  });

  it('is unavailable while it is stopped, and has its rows when it is back', async () => {
    await put(binding('one'));
    await scope.close();
    await assert.rejects(store.bindingsOf(ALICE), (error) => error instanceof ImpError && error.kind === 'unavailable');
    assert.equal(store.detail(), 'closed');
    await start();
    assert.deepEqual(await contacts(), ['one']);
    assert.equal(store.detail(), 'holds 1 registered contact');
  });
});
