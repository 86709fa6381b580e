import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SyncWorld } from './sync-world.ts';
import { createSyncWorld } from './sync-world.ts';

const isFollowing = ({ state }: { state: string }): boolean => state === 'Following';
const isDegraded = ({ state }: { state: string }): boolean => state === 'Degraded';

async function users(world: SyncWorld): Promise<string[]> {
  const rows = await world.test.ids.read
    .selectFrom('enduser')
    .where('deletedat', 'is', null)
    .select('userid')
    .orderBy('userid')
    .execute();
  return rows.map((row) => row.userid);
}

async function user(world: SyncWorld, userid: string) {
  return await world.test.ids.read
    .selectFrom('enduser')
    .where('userid', '=', userid)
    .where('deletedat', 'is', null)
    .selectAll()
    .executeTakeFirst();
}

const added = (userid: string, more = ''): string =>
  `<user><lastName>${userid}</lastName><userid>${userid}</userid><presenceGroupName>Standard Presence group</presenceGroupName>${more}</user>`;

describe('Sync Agent: full sync', () => {
  it('copies users, devices, lines, groups, nodes and what ties them together', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    const found = await users(world);
    assert.equal(found.length, 20);
    assert.ok(found.includes('alice') && found.includes('trent'));
    const alice = await user(world, 'alice');
    assert.equal(alice?.primaryextension, '1001');
    assert.equal(alice?.enablecups, 1);
    assert.equal(alice?.primarynodeid, 1);
    assert.equal(alice?.imaddress, 'alice@acme.example');
    const count = async (
      table: 'device' | 'numplan' | 'dirgroup' | 'applicationuser' | 'processnode',
    ): Promise<number> => (await world.test.ids.read.selectFrom(table).selectAll().execute()).length;
    assert.ok((await count('device')) >= 21, 'carol has two');
    assert.ok((await count('numplan')) >= 20);
    assert.ok((await count('processnode')) >= 3);
    const groups = await world.test.ids.read
      .selectFrom('applicationuserdirgroupmap as map')
      .innerJoin('applicationuser', 'applicationuser.pkid', 'map.fkapplicationuser')
      .innerJoin('dirgroup', 'dirgroup.pkid', 'map.fkdirgroup')
      .where('applicationuser.name', '=', 'appuser')
      .select('dirgroup.name')
      .execute();
    assert.ok(groups.some((group) => group.name === 'Admin-3rd Party API'));
    const lines = await world.test.ids.read
      .selectFrom('enduserdevicemap as map')
      .innerJoin('devicenumplanmap as line', 'line.fkdevice', 'map.fkdevice')
      .innerJoin('numplan', 'numplan.pkid', 'line.fknumplan')
      .where('map.fkenduser', '=', alice?.pkid ?? '')
      .select('numplan.dnorpattern')
      .execute();
    assert.deepEqual([...new Set(lines.map((line) => line.dnorpattern))], ['1001']);
  });

  it('writes nothing the second time', async () => {
    await using world = await createSyncWorld({ users: 300, agent: { pageRows: 50, sqlPageRows: 100 } });
    await world.start();
    await world.until(isFollowing);
    const seq = await world.test.changeFeed.lastSeq();
    const result = await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal(result.users, 320);
    assert.deepEqual(
      { inserted: result.inserted, updated: result.updated, deleted: result.deleted },
      { inserted: 0, updated: 0, deleted: 0 },
    );
    assert.equal(await world.test.changeFeed.lastSeq(), seq);
  });

  it('assigns only active users that are enabled, and keeps assignments', async () => {
    await using world = await createSyncWorld({ nodes: [{ id: 1 }, { id: 2 }] });
    await world.start();
    await world.until(isFollowing);
    assert.equal((await user(world, 'mallory'))?.primarynodeid, null, 'not enabled');
    assert.equal((await user(world, 'trent'))?.primarynodeid, null, 'inactive');
    const on = async (id: number): Promise<number> =>
      (await world.test.ids.read.selectFrom('enduser').where('primarynodeid', '=', id).select('pkid').execute()).length;
    assert.deepEqual([await on(1), await on(2)], [9, 9]);
    const before = (await user(world, 'bob'))?.primarynodeid;
    await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal((await user(world, 'bob'))?.primarynodeid, before);
  });

  it('lets new users wait while a node is failed over, and places them when it is back', async () => {
    await using world = await createSyncWorld({
      nodes: [
        { id: 1, state: 3 },
        { id: 2, state: 8 },
      ],
    });
    await world.start();
    await world.until(isFollowing);
    assert.equal((await user(world, 'alice'))?.primarynodeid, null);
    assert.equal((await user(world, 'alice'))?.tkassignmentstate, 2);
    await world.test.ids.transaction('node', (trx) =>
      trx.updateTable('enterprisenode').set({ tkhaserverstate: 3 }).where('id', '=', 2).execute(),
    );
    await world.poll();
    assert.notEqual((await user(world, 'alice'))?.primarynodeid, null);
  });

  it('collects the domains of directory URIs', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    await world.axl('updateUser', '<userid>bob</userid><directoryUri>bob@partner.example</directoryUri>');
    await world.poll();
    const domain = async () =>
      await world.test.ids.read
        .selectFrom('imdomain')
        .where('domain', '=', 'partner.example')
        .selectAll()
        .executeTakeFirst();
    assert.equal((await domain())?.isadminmanaged, 0);
    await world.axl('updateUser', '<userid>bob</userid><directoryUri>bob@acme.example</directoryUri>');
    await world.poll();
    await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal((await domain())?.isadminmanaged, 1, 'the administrators may have it back');
  });

  it('withholds removals when CUCM returns fewer than half of the known users', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    await world.test.ids.transaction('cucm', async (trx) => {
      for (let n = 0; n < 30; n += 1) {
        await trx
          .insertInto('enduser')
          .values({
            ...(await trx.selectFrom('enduser').selectAll().limit(1).executeTakeFirstOrThrow()),
            pkid: `x${n}`,
            userid: `x${n}`,
          })
          .execute();
      }
    });
    const result = await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal(result.deleted, 0);
    assert.equal(world.agent.status().state, 'Degraded');
    assert.match(world.agent.status().sentence, /20 of 50 known users/);
    assert.ok(world.test.alarms.active().some((alarm) => alarm.name === 'SyncAgentDeletionsWithheld'));
    const accepted = await world.agent.requestSync({ full: true, acceptDeletions: true });
    assert.equal(accepted.deleted, 30);
    assert.equal(world.agent.status().state, 'Following');
  });

  it('compares everything again after a day', async () => {
    await using world = await createSyncWorld({ agent: { pollIntervalSeconds: 7_200 } });
    await world.start();
    await world.until(isFollowing);
    const first = world.agent.status().fullSyncAt ?? 0;
    await world.clock.advance(24 * 3_600_000 + 1);
    await world.until(({ fullSyncAt, state }) => (fullSyncAt ?? 0) > first && state === 'Following');
  });

  it('says that it is stopped, and goes on where it was', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    await world.scope.close();
    assert.equal(world.agent.status().state, 'Stopped');
    assert.match(world.agent.status().sentence, /is stopped: CUCM is not followed; serving the 20 users known/);
  });

  it('waits on a subscriber', async () => {
    await using world = await createSyncWorld({ isPublisher: false });
    await world.start();
    assert.equal(world.agent.status().state, 'Waiting');
    await assert.rejects(world.agent.requestSync({ full: true, acceptDeletions: false }), {
      code: 'sync.not-publisher',
    });
  });
});

describe('Sync Agent: following', () => {
  it('hears of users that are added, changed and removed', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    await world.axl('addUser', added('nina', '<imAndPresenceEnable>true</imAndPresenceEnable>'));
    await world.axl('updateUser', '<userid>bob</userid><department>Research</department>');
    await world.axl('removeUser', '<userid>zoe</userid>');
    await world.poll();
    assert.equal((await user(world, 'nina'))?.primarynodeid, 1);
    assert.equal((await user(world, 'bob'))?.department, 'Research');
    assert.equal(await user(world, 'zoe'), undefined);
    const seq = await world.test.changeFeed.lastSeq();
    await world.poll();
    assert.equal(await world.test.changeFeed.lastSeq(), seq, 'nothing more');
  });

  it('hears of devices', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    const phone = await world.test.ids.read
      .selectFrom('device')
      .where('owneruserid', '=', 'alice')
      .select(['name', 'dndstatus'])
      .executeTakeFirstOrThrow();
    assert.equal(phone.dndstatus, 0);
    await world.axl('updatePhone', `<name>${phone.name}</name><dndStatus>true</dndStatus>`);
    await world.poll();
    const after = await world.test.ids.read
      .selectFrom('device')
      .where('name', '=', phone.name)
      .select('dndstatus')
      .executeTakeFirst();
    assert.equal(after?.dndstatus, 1);
  });

  it('deletes a removed user for good after a day, with the contact list', async () => {
    await using world = await createSyncWorld({ agent: { pollIntervalSeconds: 7_200 } });
    await world.start();
    await world.until(isFollowing);
    const zoe = await user(world, 'zoe');
    await world.test.ids.transaction('client', async (trx) => {
      await trx
        .insertInto('enduserproperty')
        .values({ fkenduser: zoe?.pkid ?? '', name: 'Privacy.Internal', value: 'deny' })
        .execute();
    });
    await world.axl('removeUser', '<userid>zoe</userid>');
    await world.agent.requestSync({ full: false, acceptDeletions: false });
    const rows = async () =>
      await world.test.ids.read.selectFrom('enduser').where('userid', '=', 'zoe').selectAll().execute();
    assert.equal((await rows()).length, 1, 'kept for a day');
    await world.clock.advance(25 * 3_600_000);
    await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal((await rows()).length, 0);
    assert.equal((await world.test.ids.read.selectFrom('enduserproperty').selectAll().execute()).length, 0);
  });

  it('reads everything anew when CUCM has a new queue', async () => {
    await using world = await createSyncWorld();
    await world.start();
    const first = (await world.until(isFollowing)).fullSyncAt ?? 0;
    await world.stopMock();
    await world.startMock();
    await world.axl('updateUser', '<userid>bob</userid><department>Archive</department>');
    await world.clock.advance(2_000);
    await world.until(({ state, fullSyncAt }) => state === 'Following' && (fullSyncAt ?? 0) > first);
    assert.equal((await user(world, 'bob'))?.department, 'Archive');
  });
});

describe('Sync Agent: CUCM in trouble', () => {
  const raised = (world: SyncWorld): string[] => world.test.alarms.active().map((alarm) => alarm.name);

  it('is down at first: says so, and syncs when it is up', async () => {
    await using world = await createSyncWorld();
    await world.stopMock();
    await world.start();
    const status = await world.until(isDegraded);
    assert.match(status.sentence, /refuses connections.*; nothing is synced yet; next try/);
    assert.deepEqual(raised(world), ['SyncAgentAXLConnectionFailed']);
    await world.startMock();
    await world.until(isFollowing);
    assert.deepEqual(raised(world), []);
    assert.equal((await users(world)).length, 20);
  });

  it('goes down later: the known users are served, with the product’s own words', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    await world.stopMock();
    await world.clock.advance(2_000);
    const status = await world.until(isDegraded);
    assert.match(status.sentence, /serving the 20 users known/);
    assert.match(
      status.syncStatus,
      /^Sync Completed, but currently failed to connect to the CUCM Database Monitor\. Retrying\.\.\. 20/,
    );
    assert.deepEqual(raised(world), ['SyncAgentCucmDbmonConnectionFailed']);
    assert.equal((await users(world)).length, 20);
  });

  it('refuses the password: three tries, then it waits for a person', async () => {
    await using world = await createSyncWorld();
    world.password = 'wrong';
    await world.start();
    const status = await world.until(({ sentence }) => sentence.includes('3 times'));
    assert.match(status.sentence, /mend it, then run: imp sync; nothing is synced yet; not tried again by itself/);
    assert.equal(status.state, 'Degraded');
    await world.clock.advance(600_000);
    assert.equal(world.agent.status().errors, 4, 'three refusals and the one that was not sent');
    world.password = 'Imp-demo-1';
    const result = await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal(result.users, 20);
    assert.equal(world.agent.status().state, 'Following');
  });

  it('answers garbage, or half of an answer: nothing of it is believed', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    const seq = await world.test.changeFeed.lastSeq();
    for (const fault of ['garbage', 'truncate']) {
      await world.fault({ [fault]: '1' });
      await assert.rejects(world.agent.requestSync({ full: true, acceptDeletions: true }), { name: 'AxlError' });
      assert.equal(world.agent.status().state, 'Degraded');
      assert.equal(await world.test.changeFeed.lastSeq(), seq);
      await world.fault({ [fault]: '0' });
      await world.until(isFollowing);
    }
  });

  it('throttles: the agent waits and goes on', async () => {
    await using world = await createSyncWorld();
    await world.fault({ throttle: '3' });
    await world.start();
    await world.until(isFollowing);
    assert.equal((await users(world)).length, 20);
  });

  it('goes on with the stage in which it was cut off', async () => {
    await using world = await createSyncWorld({ users: 200, agent: { pageRows: 20 } });
    const seen: { stage: string; done: number }[] = [];
    let cutting: Promise<void> | undefined;
    const watch = world.agent.onProgress((progress) => {
      seen.push(progress);
      if (progress.stage === 'end users' && progress.done >= 40) cutting ??= world.fault({ garbage: '1' });
    });
    await world.start();
    await world.until(isDegraded);
    await cutting;
    const cut = seen.length;
    await world.fault({ garbage: '0' });
    await world.until(isFollowing);
    watch[Symbol.dispose]();
    assert.equal((await users(world)).length, 220);
    const stages = new Set(seen.slice(cut).map(({ stage }) => stage));
    assert.deepEqual(
      [...stages],
      ['the version of CUCM', 'end users', 'associations', 'what moved meanwhile', 'merging'],
    );
  });
});
