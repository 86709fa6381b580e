import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSyncWorld, type SyncWorld } from './sync-world.ts';

const isFollowing = ({ state }: { state: string }): boolean => state === 'Following';

async function following(options: Parameters<typeof createSyncWorld>[0] = {}): Promise<SyncWorld> {
  const world = await createSyncWorld(options);
  await world.start();
  await world.until(isFollowing);
  return world;
}

const userOf = async (world: SyncWorld, userid: string) =>
  await world.test.ids.read
    .selectFrom('enduser')
    .where('userid', '=', userid)
    .where('deletedat', 'is', null)
    .selectAll()
    .executeTakeFirst();
const devicesOwnedBy = async (world: SyncWorld, owner: string): Promise<string[]> =>
  (
    await world.test.ids.read
      .selectFrom('device')
      .where('owneruserid', '=', owner)
      .where('deletedat', 'is', null)
      .select('name')
      .orderBy('name')
      .execute()
  ).map((row) => row.name);

/** Reading everything anew finds nothing that following has missed. */
async function isComplete(world: SyncWorld): Promise<void> {
  const { inserted, updated, deleted } = await world.agent.requestSync({ full: true, acceptDeletions: false });
  assert.deepEqual({ inserted, updated, deleted }, { inserted: 0, updated: 0, deleted: 0 });
}

const rename = (from: string, to: string): readonly [string, string] => [
  'updateUser',
  `<userid>${from}</userid><newUserid>${to}</newUserid>`,
];

describe('Sync Agent: names that others show', () => {
  it('a renamed user is the owner of the phones by the new name', async () => {
    await using world = await following();
    const phones = await devicesOwnedBy(world, 'carol');
    assert.equal(phones.length, 2);
    await world.axl(...rename('carol', 'caroline'));
    await world.poll();
    assert.deepEqual(await devicesOwnedBy(world, 'caroline'), phones);
    assert.equal((await userOf(world, 'caroline'))?.imaddress, 'caroline@acme.example');
    await isComplete(world);
  });

  it('a user whose id changes case only', async () => {
    await using world = await following();
    const before = await userOf(world, 'carol');
    await world.axl(...rename('carol', 'Carol'));
    await world.poll();
    const after = await userOf(world, 'Carol');
    assert.equal(after?.pkid, before?.pkid);
    assert.equal(after?.xcp_user_id, 'carol');
    assert.equal((await devicesOwnedBy(world, 'Carol')).length, 2);
    await isComplete(world);
  });

  it('two users swap their ids between polls', async () => {
    await using world = await following();
    const [bob, dave] = [await userOf(world, 'bob'), await userOf(world, 'dave')];
    for (const [from, to] of [
      ['bob', 'between'],
      ['dave', 'bob'],
      ['between', 'dave'],
    ] as const) {
      await world.axl(...rename(from, to));
    }
    const phones = [await devicesOwnedBy(world, 'bob'), await devicesOwnedBy(world, 'dave')];
    await world.poll();
    assert.equal((await userOf(world, 'dave'))?.pkid, bob?.pkid);
    assert.equal((await userOf(world, 'bob'))?.pkid, dave?.pkid);
    assert.deepEqual([await devicesOwnedBy(world, 'dave'), await devicesOwnedBy(world, 'bob')], phones);
    await isComplete(world);
  });

  it('a removed user owns no phone any more, and one who never existed neither', async () => {
    await using world = await following();
    const phones = await devicesOwnedBy(world, 'carol');
    await world.axl('removeUser', '<userid>carol</userid>');
    await assert.rejects(
      world.axl('updatePhone', `<name>${phones[0]}</name><ownerUserName>nobody</ownerUserName>`),
      /not found/,
    );
    await world.poll();
    assert.deepEqual(await devicesOwnedBy(world, 'carol'), []);
    await isComplete(world);
  });

  it('a line with another number is the primary extension by that number', async () => {
    await using world = await following();
    await world.axl('updateLine', '<pattern>1001</pattern><newPattern>1901</newPattern>');
    await world.poll();
    assert.equal((await userOf(world, 'alice'))?.primaryextension, '1901');
    await isComplete(world);
  });

  it('a renamed service profile, partition and group', async () => {
    await using world = await following();
    await world.axl('addRoutePartition', '<routePartition><name>Inside</name></routePartition>');
    await world.axl(
      'addLine',
      '<line><pattern>1001</pattern><usage>Device</usage><routePartitionName>Inside</routePartitionName></line>',
    );
    await world.poll();
    const before = (await userOf(world, 'alice'))?.serviceprofile ?? '';
    assert.notEqual(before, '');
    await world.axl('updateServiceProfile', `<name>${before}</name><newName>Another</newName>`);
    await world.axl('updateRoutePartition', '<name>Inside</name><newName>Within</newName>');
    await world.axl('updateUserGroup', '<name>Standard CTI Enabled</name><newName>CTI</newName>');
    await world.poll();
    assert.equal((await userOf(world, 'alice'))?.serviceprofile, 'Another');
    await isComplete(world);
  });

  it('two service profiles, and two partitions, swap their names between polls', async () => {
    await using world = await following();
    const before = (await userOf(world, 'alice'))?.serviceprofile ?? '';
    await world.axl('addServiceProfile', '<serviceProfile><name>Other</name></serviceProfile>');
    await world.axl('updateUser', '<userid>bob</userid><serviceProfile>Other</serviceProfile>');
    for (const [name, pattern] of [
      ['Inside', '7001'],
      ['Outside', '7002'],
    ] as const) {
      await world.axl('addRoutePartition', `<routePartition><name>${name}</name></routePartition>`);
      await world.axl(
        'addLine',
        `<line><pattern>${pattern}</pattern><usage>Device</usage><routePartitionName>${name}</routePartitionName></line>`,
      );
    }
    await world.poll();
    assert.equal((await userOf(world, 'bob'))?.serviceprofile, 'Other');
    const swap = async (operation: string, one: string, other: string): Promise<void> => {
      for (const [from, to] of [
        [one, 'Meanwhile'],
        [other, one],
        ['Meanwhile', other],
      ] as const) {
        await world.axl(operation, `<name>${from}</name><newName>${to}</newName>`);
      }
    };
    await swap('updateServiceProfile', before, 'Other');
    await swap('updateRoutePartition', 'Inside', 'Outside');
    await world.poll();
    assert.equal((await userOf(world, 'alice'))?.serviceprofile, 'Other');
    assert.equal((await userOf(world, 'bob'))?.serviceprofile, before);
    const lines = await world.test.ids.read
      .selectFrom('numplan')
      .where('dnorpattern', 'in', ['7001', '7002'])
      .select('partition')
      .orderBy('dnorpattern')
      .execute();
    assert.deepEqual(
      lines.map((line) => line.partition),
      ['Outside', 'Inside'],
    );
    await isComplete(world);
  });

  it('a removed group has no members', async () => {
    await using world = await following();
    await world.axl('addUserGroup', '<userGroup><name>Few</name></userGroup>');
    await world.axl(
      'updateUserGroup',
      '<name>Few</name><addMembers><member><userId>alice</userId></member><member><userId>appuser</userId></member></addMembers>',
    );
    await world.poll();
    const members = async (): Promise<number> =>
      (
        await world.test.ids.read
          .selectFrom('enduserdirgroupmap as map')
          .innerJoin('dirgroup', 'dirgroup.pkid', 'map.fkdirgroup')
          .where('dirgroup.name', '=', 'Few')
          .select('map.fkenduser')
          .execute()
      ).length;
    assert.equal(await members(), 1);
    await world.axl('removeUserGroup', '<name>Few</name>');
    await world.poll();
    assert.equal(await members(), 0);
    await isComplete(world);
  });

  it('a user removed and added again is another one; contacts of others stay', async () => {
    await using world = await following();
    const [alice, before] = [await userOf(world, 'alice'), await userOf(world, 'bob')];
    await world.test.ids.transaction('client', async (trx) => {
      await trx
        .insertInto('rosteritem')
        .values({
          pkid: 'item',
          fkenduser: alice?.pkid ?? '',
          contactuser: 'bob',
          contactdomain: 'acme.example',
          nickname: 'Bob',
          presenceaware: 1,
          subscription: 'both',
          ask: 0,
        })
        .execute();
    });
    await world.axl('removeUser', '<userid>bob</userid>');
    await world.axl(
      'addUser',
      '<user><lastName>Another</lastName><userid>bob</userid><presenceGroupName>Standard Presence group</presenceGroupName><imAndPresenceEnable>true</imAndPresenceEnable></user>',
    );
    await world.poll();
    const after = await userOf(world, 'bob');
    assert.notEqual(after?.pkid, before?.pkid);
    assert.equal(after?.lastname, 'Another');
    assert.equal(after?.primarynodeid, 1);
    const items = await world.test.ids.read.selectFrom('rosteritem').selectAll().execute();
    assert.deepEqual(
      items.map((item) => `${item.fkenduser === alice?.pkid} ${item.contactuser}`),
      ['true bob'],
    );
    await isComplete(world);
    // The one before goes for good a day later, and takes nothing of the new one along.
    await world.clock.advance(25 * 3_600_000);
    await world.agent.requestSync({ full: true, acceptDeletions: false });
    assert.equal((await userOf(world, 'bob'))?.pkid, after?.pkid);
    assert.equal((await world.test.ids.read.selectFrom('rosteritem').selectAll().execute()).length, 1);
  });

  it('follows the mode of assignment, which AXL names without spaces', async () => {
    await using world = await following();
    await world.axl(
      'updateServiceParameter',
      '<processNodeName>EnterpriseWideData</processNodeName><name>UserAssignmentModeForPresenceServer</name><service>Enterprise Wide</service><value>None</value>',
    );
    await world.axl(
      'addUser',
      '<user><lastName>Late</lastName><userid>late</userid><presenceGroupName>Standard Presence group</presenceGroupName><imAndPresenceEnable>true</imAndPresenceEnable></user>',
    );
    await world.poll();
    assert.equal((await userOf(world, 'late'))?.primarynodeid, null);
  });
});
