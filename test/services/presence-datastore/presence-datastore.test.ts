import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { DatastoreEngine } from '../../../src/datastore/datastore.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createMetrics } from '../../../src/platform/metrics.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import type { Publication } from '../../../src/presence/publication.ts';
import { xmppPublication, xmppSource } from '../../../src/presence/xmpp-presence.ts';
import {
  createPresenceDatastore,
  type PresenceChange,
  type PresenceDatastore,
  presenceDatastoreDescriptor,
} from '../../../src/services/presence-datastore/presence-datastore.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const BOB = 'bob@acme.example';
const ALICE = 'alice@acme.example';
const publication = (parts: Partial<Publication> = {}): Publication => ({
  presentity: BOB,
  event: 'presence',
  source: 'xmpp/desk',
  kind: 'client',
  sessionId: '',
  document: { entity: `sip:${BOB}`, person: null, tuples: [] },
  publishedAt: 0,
  ...parts,
});
const XMPP = {
  presentity: BOB,
  resource: 'desk',
  show: '',
  status: '',
  priority: 0,
  isIdle: false,
  features: [],
} as const;
const watching = (parts: Partial<Parameters<PresenceDatastore['subscribe']>[0]> = {}) => ({
  presentity: BOB,
  event: 'presence',
  watcher: ALICE,
  dialog: 'pws/1',
  ...parts,
});

describe('the Presence Datastore', () => {
  let clock: FakeClock;
  let engine: DatastoreEngine;
  let store: PresenceDatastore & Service;
  let scope: OwnedScope;
  let heard: PresenceChange[];
  const start = async (): Promise<void> => {
    scope = createScope(clock, (error) => assert.fail(String(error)));
    await store.start(scope);
  };
  beforeEach(async () => {
    clock = new FakeClock();
    const log = createLog({ level: 'silent' });
    engine = createMemoryEngine({ clock, log, metrics: createMetrics() });
    const options = presenceDatastoreDescriptor.options.parse({ maxPublications: 3, maxSubscriptions: 3 });
    store = createPresenceDatastore({ engine, log }, options);
    heard = [];
    store.watch((change) => void heard.push(change));
    await start();
  });
  afterEach(async () => {
    await scope.close();
    await engine[Symbol.asyncDispose]();
  });

  it('keeps one publication for each presentity, event and source', async () => {
    await store.publish(publication({ publishedAt: 1 }), 1_000);
    await store.publish(publication({ publishedAt: 2 }), 1_000);
    await store.publish(publication({ source: 'phone/SEP1' }), 1_000);
    await store.publish(publication({ event: 'dialog' }), 1_000);
    const found = await store.publicationsOf(BOB, 'presence');
    assert.deepEqual(found.map(({ source, publishedAt }) => [source, publishedAt]).sort(), [
      ['phone/SEP1', 0],
      ['xmpp/desk', 2],
    ]);
    assert.equal((await store.unpublish(BOB, 'presence', 'xmpp/desk'))?.publishedAt, 2);
    assert.equal(await store.unpublish(BOB, 'presence', 'xmpp/desk'), undefined);
    assert.equal((await store.publicationsOf(BOB, 'dialog')).length, 1);
  });

  it('says nothing of what is said again to live on', async () => {
    const said = { ...XMPP, show: 'away', status: 'Back soon' } as const;
    await store.publish(xmppPublication(said, 1), 1_000);
    await clock.advance(500);
    await store.publish(xmppPublication(said, 1), 1_000);
    assert.deepEqual(heard, [{ presentity: BOB, event: 'presence', source: 'xmpp/desk', kind: 'published' }]);
    await clock.advance(900);
    assert.equal((await store.publicationsOf(BOB, 'presence'))[0]?.document.person?.note, 'Back soon');
    await store.publish(xmppPublication({ ...said, status: '' }, 2), 1_000);
    assert.equal(heard.length, 2);
    assert.equal((await store.unpublish(BOB, 'presence', xmppSource('desk')))?.kind, 'xmpp');
    assert.equal(heard.at(-1)?.kind, 'removed');
    assert.match(store.detail?.() ?? '', /^holds 0 publications/);
  });

  it('lets publications and subscriptions expire, and tells of publications', async () => {
    await store.publish(publication(), 1_000);
    await store.subscribe(watching(), 2_000);
    await clock.advance(999);
    assert.equal((await store.publicationsOf(BOB, 'presence')).length, 1);
    await clock.advance(1);
    assert.deepEqual(await store.publicationsOf(BOB, 'presence'), []);
    assert.deepEqual(
      heard.map(({ kind, source }) => [kind, source]),
      [
        ['published', 'xmpp/desk'],
        ['expired', 'xmpp/desk'],
      ],
    );
    assert.equal((await store.watchersOf(BOB, 'presence')).length, 1);
    await store.subscribe(watching(), 2_000);
    await clock.advance(1_999);
    assert.equal((await store.watchersOf(BOB, 'presence')).length, 1);
    await clock.advance(1);
    assert.deepEqual(await store.watchersOf(BOB, 'presence'), []);
  });

  it('finds what a session has published, and the watchers of a dialog', async () => {
    await store.publish(publication({ sessionId: 's1' }), 1_000);
    await store.publish(publication({ source: 'other', sessionId: 's2' }), 1_000);
    assert.deepEqual(
      (await store.publicationsOfSession('s1')).map(({ source }) => source),
      ['xmpp/desk'],
    );
    await store.subscribe(watching(), 1_000);
    await store.subscribe(watching({ presentity: 'carol@acme.example' }), 1_000);
    await store.subscribe(watching({ dialog: 'pws/2' }), 1_000);
    assert.equal(await store.endDialog(ALICE, 'pws/1'), 2);
    assert.deepEqual(
      (await store.watchersOf(BOB, 'presence')).map(({ dialog }) => dialog),
      ['pws/2'],
    );
    assert.equal(await store.unsubscribe(BOB, ALICE, 'pws/2'), true);
    assert.equal(await store.unsubscribe(BOB, ALICE, 'pws/2'), false);
  });

  it('forgets a user who has left the node', async () => {
    await store.publish(publication(), 1_000);
    await store.publish(publication({ presentity: ALICE }), 1_000);
    await store.subscribe(watching(), 1_000);
    await store.forget(BOB, 'presence');
    assert.deepEqual(await store.publicationsOf(BOB, 'presence'), []);
    assert.deepEqual(await store.watchersOf(BOB, 'presence'), []);
    assert.equal((await store.publicationsOf(ALICE, 'presence')).length, 1);
  });

  it('refuses more than it may hold, and everything while it is stopped; a restart loses nothing', async () => {
    for (const source of ['a', 'b', 'c']) await store.publish(publication({ source }), 1_000);
    await assert.rejects(() => store.publish(publication({ source: 'd' }), 1_000), { code: 'datastore.full' });
    assert.equal(store.detail(), 'holds 3 publications and 0 subscriptions');
    await scope.close();
    await assert.rejects(() => store.publicationsOf(BOB, 'presence'), { kind: 'unavailable' });
    assert.equal(store.detail(), 'closed');
    await start();
    assert.equal((await store.publicationsOf(BOB, 'presence')).length, 3);
    assert.equal(store.detail(), 'holds 3 publications and 0 subscriptions');
    await clock.advance(1_000);
    assert.equal(heard.filter(({ kind }) => kind === 'expired').length, 3);
    assert.equal(store.detail(), 'holds 0 publications and 0 subscriptions');
  });
});
