import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import {
  createRouteDatastore,
  type RouteDatastore,
  routeDatastoreDescriptor,
  type UserRoute,
} from '../../../src/services/route-datastore/route-datastore.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';
import { userRow } from '../client-profile-agent/cpa-parts.ts';

const log = pino({ level: 'silent' });
type Node = Database['enterprisenode'];

describe('route datastore', () => {
  let test: TestIds;
  let clock: FakeClock;
  let scope: OwnedScope;
  let store: RouteDatastore & Service;
  let reads: number;
  const failures: unknown[] = [];

  const node = (id: number, name: string, more: Partial<Node> = {}): Node => ({
    ...{ id, name, address: `${name}.acme.example`, subclusterid: 1, isprimary: 0 },
    ...{ tkhaserverstate: 0, hareason: '', version: '' },
    ...more,
  });

  beforeEach(async () => {
    test = await openTestIds();
    clock = new FakeClock();
    await test.ids.transaction('cucm', async (trx) => {
      await trx
        .insertInto('enterprisenode')
        .values([node(1, 'imp1'), node(2, 'imp2'), node(3, 'imp3', { subclusterid: 2 })])
        .execute();
      await trx.insertInto('imdomain').values({ domain: 'acme.example', isdefault: 1, isadminmanaged: 1 }).execute();
      await trx
        .insertInto('enduser')
        .values([
          userRow({ userid: 'Alice' }),
          userRow({ userid: 'olga', primarynodeid: 2 }),
          userRow({ userid: 'lone', primarynodeid: 3 }),
          userRow({ userid: 'walter', primarynodeid: null }),
          userRow({ userid: 'lost', primarynodeid: 99 }),
          userRow({ userid: 'paul', primarynodeid: null, peerclusterid: 'east', peernode: 'imp.east.example' }),
          userRow({ userid: 'gone', deletedat: 1 }),
        ])
        .execute();
    });
    const metrics = test.metrics;
    reads = 0;
    const counted = new Proxy(test.ids, {
      get(target, name, receiver) {
        if (name === 'read') reads += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    store = createRouteDatastore(
      {
        ...{ ids: counted, changeFeed: test.changeFeed, log, nodeName: 'imp1' },
        engine: createMemoryEngine({ clock, metrics, log }),
      },
      routeDatastoreDescriptor.options.parse({}),
    );
    scope = createScope(clock, (error) => failures.push(error));
    await store.start(scope);
  });
  afterEach(async () => {
    await scope.close();
    await test[Symbol.asyncDispose]();
    assert.deepEqual(failures.splice(0), []);
  });

  const change = async (
    what: (trx: Parameters<Parameters<TestIds['ids']['transaction']>[1]>[0]) => Promise<unknown>,
  ): Promise<void> => {
    await test.ids.transaction('administrator', what);
    await test.changeFeed.settled();
  };
  /** `kind node/backup` in a line. */
  const said = (route: UserRoute): string => {
    if (route.kind === 'here') return `here/${route.backup?.name ?? ''}`;
    if (route.kind === 'other-node') return `${route.node.name}/${route.backup?.name ?? ''}`;
    return route.kind === 'peer-cluster' ? `peer ${route.node}` : route.kind;
  };
  const route = async (user: string): Promise<string> => said(await store.routeOfUser(user));

  it('is ready when it has read everything, and knows where each user is served', async () => {
    const users = ['alice', 'OLGA', 'lone', 'walter', 'lost', 'paul', 'gone', 'nobody'];
    assert.deepEqual(await Promise.all(users.map(route)), [
      ...['here/imp2', 'imp2/imp1', 'imp3/', 'unassigned', 'unassigned', 'peer imp.east.example', 'unknown', 'unknown'],
    ]);
    const found = await store.routeOfUser('aLiCe');
    assert.equal(found.kind === 'here' && found.user.userid, 'Alice');
    assert.equal((await store.userByAddress('ALICE@acme.example'))?.userid, 'Alice');
    assert.equal(await store.userByAddress('alice@other.example'), undefined);
    assert.match(store.detail(), /read 6 users from the IDS/);
  });

  it('follows users who come, move, change their name and go', async () => {
    await change((trx) =>
      trx
        .insertInto('enduser')
        .values(userRow({ userid: 'new' }))
        .execute(),
    );
    assert.equal(await route('new'), 'here/imp2');
    await change((trx) => trx.updateTable('enduser').set({ primarynodeid: 3 }).where('userid', '=', 'new').execute());
    assert.equal(await route('new'), 'imp3/');
    await change((trx) => trx.updateTable('enduser').set({ userid: 'newer' }).where('userid', '=', 'new').execute());
    assert.deepEqual([await route('new'), await route('newer')], ['unknown', 'imp3/']);
    await change((trx) => trx.updateTable('enduser').set({ status: 0 }).where('userid', '=', 'newer').execute());
    const disabled = await store.routeOfUser('newer');
    assert.equal(disabled.kind !== 'unknown' && disabled.user.isEnabled, false);
    await change((trx) => trx.updateTable('enduser').set({ deletedat: 1 }).where('userid', '=', 'newer').execute());
    await change((trx) => trx.deleteFrom('enduser').where('userid', '=', 'Alice').execute());
    assert.deepEqual([await route('newer'), await route('alice')], ['unknown', 'unknown']);
  });

  it('prefers our own user to a peer cluster with the same user id', async () => {
    const peer = { pkid: 'peer-alice', userid: 'ALICE', primarynodeid: null, peerclusterid: 'east', peernode: 'x' };
    await change((trx) => trx.insertInto('enduser').values(userRow(peer)).execute());
    assert.equal(await route('alice'), 'here/imp2');
    await change((trx) => trx.deleteFrom('enduser').where('pkid', '=', 'pkid-alice').execute());
    assert.equal(await route('alice'), 'peer x');
  });

  it('sends the users of a failed-over node to its partner, for every state of the two', async () => {
    const states = async (one: number, two: number): Promise<string[]> => {
      await change(async (trx) => {
        await trx.updateTable('enterprisenode').set({ tkhaserverstate: one }).where('id', '=', 1).execute();
        await trx.updateTable('enterprisenode').set({ tkhaserverstate: two }).where('id', '=', 2).execute();
      });
      return [await route('alice'), await route('olga')];
    };
    const apart = ['here/imp2', 'imp2/imp1'];
    assert.deepEqual(await states(3, 3), apart);
    assert.deepEqual(await states(4, 8), ['here/imp2', 'here/imp2']);
    assert.deepEqual(await states(4, 9), ['here/imp2', 'here/imp2']);
    assert.deepEqual(await states(8, 4), ['imp2/imp1', 'imp2/imp1']);
    assert.deepEqual(await states(0, 0), apart);
  });

  it('asks the IDS about an unknown user once in 30 seconds, and hears at once of one who comes', async () => {
    await route('late');
    const before = reads;
    for (let each = 0; each < 5; each += 1) assert.equal(await route('LATE'), 'unknown');
    assert.equal(reads, before);
    await clock.advance(30_000);
    await route('late');
    assert.equal(reads, before + 1);
    await change((trx) =>
      trx
        .insertInto('enduser')
        .values(userRow({ userid: 'late' }))
        .execute(),
    );
    assert.equal(await route('late'), 'here/imp2');
  });

  it('knows a user before the change feed has told of it', async () => {
    await test.ids.transaction('cucm', (trx) =>
      trx
        .insertInto('enduser')
        .values(userRow({ userid: 'quick' }))
        .execute(),
    );
    assert.equal(await route('quick'), 'here/imp2');
  });

  it('holds nodes, domains and static routes, and follows them', async () => {
    assert.deepEqual((await store.nodes()).map(({ name }) => name).sort(), ['imp1', 'imp2', 'imp3']);
    assert.deepEqual(await store.domains(), [{ domain: 'acme.example', isDefault: true }]);
    const row: Database['staticroute'] = {
      ...{ pkid: 'r1', pattern: 'partner.example', nexthop: '192.0.2.9', port: 5060, type: 'domain', transport: 'TCP' },
      ...{ priority: 1, weight: 1, allowlessspecific: 0, inservice: 1, block: 0 },
    };
    await change((trx) => trx.insertInto('staticroute').values(row).execute());
    assert.deepEqual(
      (await store.staticRoutes()).map(({ pkid }) => pkid),
      ['r1'],
    );
    await change(async (trx) => {
      await trx.deleteFrom('staticroute').execute();
      await trx.deleteFrom('imdomain').execute();
      await trx.deleteFrom('enterprisenode').where('id', '=', 2).execute();
    });
    assert.deepEqual(await store.staticRoutes(), []);
    assert.deepEqual(await store.domains(), []);
    assert.deepEqual([await route('alice'), await route('olga')], ['here/', 'unassigned']);
  });

  it('says "unavailable" while it is stopped, and reads everything anew at the next start', async () => {
    await scope.close();
    await assert.rejects(store.routeOfUser('alice'), { kind: 'unavailable' });
    assert.equal(store.detail(), 'closed');
    await test.ids.transaction('cucm', async (trx) => {
      await trx.deleteFrom('enduser').where('userid', '=', 'Alice').execute();
      await trx
        .insertInto('enduser')
        .values(userRow({ userid: 'new' }))
        .execute();
    });
    scope = createScope(clock, (error) => failures.push(error));
    await store.start(scope);
    assert.deepEqual([await route('alice'), await route('new')], ['unknown', 'here/imp2']);
  });
});
