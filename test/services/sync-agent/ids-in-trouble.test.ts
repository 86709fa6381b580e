import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSyncWorld, type SyncWorld } from './sync-world.ts';

const isFollowing = ({ state }: { state: string }): boolean => state === 'Following';
const isDegraded = ({ state }: { state: string }): boolean => state === 'Degraded';

/** Leaves so many pages free in a schema of the IDS, as a disk that fills up does. */
async function leaveRoom(world: SyncWorld, schema: 'main' | 'staging', pages: number | null): Promise<void> {
  await world.test.ids.write((database) => {
    const count = Number(database.pragma(`${schema}.page_count`, { simple: true }));
    database.pragma(`${schema}.max_page_count = ${pages === null ? 4_294_967_294 : count + pages}`);
  });
}

async function users(world: SyncWorld): Promise<number> {
  return (await world.test.ids.read.selectFrom('enduser').where('deletedat', 'is', null).select('pkid').execute())
    .length;
}

describe('Sync Agent: the disk is full', () => {
  for (const schema of ['main', 'staging'] as const) {
    it(`while ${schema === 'main' ? 'it merges' : 'it reads'}: says so, keeps nothing of it, and goes on when there is room`, async () => {
      await using world = await createSyncWorld({ users: 300 });
      await leaveRoom(world, schema, 20);
      await world.start();
      const { sentence } = await world.until(isDegraded);
      assert.match(
        sentence,
        /^the disk is full: nothing was written: database or disk is full; nothing is synced yet; next try /,
      );
      assert.equal(await users(world), 0);
      assert.deepEqual(
        world.test.alarms.active().map((alarm) => alarm.name),
        ['DbmonQueueWorkerExistWithError'],
      );
      await leaveRoom(world, schema, null);
      await world.until(isFollowing);
      assert.equal(await users(world), 320);
      assert.deepEqual(world.test.alarms.active(), []);
    });
  }

  it('while it follows: the place is not moved, and nothing is lost', async () => {
    await using world = await createSyncWorld({ users: 500 });
    await world.start();
    await world.until(isFollowing);
    await leaveRoom(world, 'main', 0);
    await world.axl(
      'executeSQLUpdate',
      `<sql>update enduser set department = '${'x'.repeat(60)}' where userid like 'user%'</sql>`,
    );
    await world.clock.advance(2_000);
    const { sentence } = await world.until(isDegraded);
    assert.match(
      sentence,
      /^the disk is full: nothing was written: database or disk is full; serving the 520 users known; next try /,
    );
    await leaveRoom(world, 'main', null);
    await world.until(isFollowing);
    const moved = await world.test.ids.read
      .selectFrom('enduser')
      .where('department', 'like', 'xxx%')
      .select('pkid')
      .execute();
    assert.equal(moved.length, 500);
  });

  it('has no room for its state either: it goes on trying', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    const { ids } = world.test;
    await ids.write((database) => {
      database.exec(
        `CREATE TEMP TRIGGER full BEFORE UPDATE OF state ON main.epassyncagentcfg
         BEGIN SELECT raise(ABORT, 'no room'); END`,
      );
    });
    await world.fault({ garbage: '1' });
    await world.clock.advance(2_000);
    await world.until(isDegraded);
    await world.until(isFollowing);
    await ids.write((database) => void database.exec('DROP TRIGGER full'));
    await world.poll();
    assert.equal(world.agent.status().state, 'Following');
  });
});

describe('Sync Agent: stopped in the middle', () => {
  it('of a merge: all of it is kept or nothing, and the next start goes on', async () => {
    await using world = await createSyncWorld({ users: 3_000 });
    const stopped = new Promise<void>((resolve, reject) => {
      world.agent.onProgress(({ stage }) => {
        // The merge has begun when the next turn of the event loop is over.
        if (stage === 'merging') setImmediate(() => world.scope.close().then(resolve, reject));
      });
    });
    await world.start();
    await stopped;
    const kept = await users(world);
    assert.ok(kept === 0 || kept === 3_020, `${kept} users`);
    const place = await world.test.ids.read.selectFrom('epassyncagentcfg').select('queueid').executeTakeFirstOrThrow();
    assert.equal(place.queueid === '', kept === 0, 'the place belongs to what is kept');
  });
});
