import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { turn } from '../../support/fake-clock.ts';
import { createSyncWorld, type SyncWorld } from './sync-world.ts';

const isFollowing = ({ state }: { state: string }): boolean => state === 'Following';

async function users(world: SyncWorld): Promise<Set<string>> {
  const rows = await world.test.ids.read
    .selectFrom('enduser')
    .where('deletedat', 'is', null)
    .select('userid')
    .execute();
  return new Set(rows.map((row) => row.userid));
}

/** Does something to CUCM the first time that the read has come so far. */
function onceAt(
  world: SyncWorld,
  stage: string,
  done: number,
  task: () => Promise<unknown>,
): { done: Promise<unknown> } {
  const held: { done: Promise<unknown> } = { done: Promise.resolve() };
  let isDone = false;
  world.agent.onProgress((progress) => {
    if (isDone || progress.stage !== stage || progress.done < done) return;
    isDone = true;
    held.done = task();
  });
  return held;
}

describe('Sync Agent: CUCM changes while it is read', () => {
  it('misses nobody when a removal moves the users behind it to a page that was read before', async () => {
    await using world = await createSyncWorld({ users: 100, agent: { pageRows: 10 } });
    const removal = onceAt(world, 'end users', 20, async () => {
      for (const userid of ['alice', 'bob', 'carol']) await world.axl('removeUser', `<userid>${userid}</userid>`);
    });
    await world.start();
    await world.until(isFollowing);
    await removal.done;
    await world.poll();
    const found = await users(world);
    assert.equal(found.size, 117);
    for (let n = 1; n <= 100; n += 1) assert.ok(found.has(`user${String(n).padStart(6, '0')}`), `user ${n}`);
    // Who is known already must not be taken for removed either.
    const seq = await world.test.changeFeed.lastSeq();
    const again = onceAt(world, 'end users', 20, () => world.axl('removeUser', '<userid>dave</userid>'));
    await world.agent.requestSync({ full: true, acceptDeletions: false });
    await again.done;
    await world.poll();
    assert.equal((await users(world)).size, 116);
    const removed = await world.test.ids.read
      .selectFrom('change_log')
      .where('tbl', '=', 'enduser')
      .where('seq', '>', seq)
      .select('changed')
      .execute();
    assert.deepEqual(
      removed.map((row) => row.changed),
      ['deletedat,'],
      'only dave',
    );
  });

  it('reads everything once more when the queue is lost meanwhile', async () => {
    await using world = await createSyncWorld({ users: 50, agent: { pageRows: 10 } });
    const lost = onceAt(world, 'associations', 1, async () => {
      await world.fault({ 'queue-reset': 'on' });
      await world.axl('updateUser', '<userid>alice</userid><department>Unheard</department>');
    });
    await world.start();
    await world.until(isFollowing);
    await lost.done;
    // Nothing but the second read can have told: the record of the change stands in a queue that nobody had a place in.
    const alice = await world.test.ids.read
      .selectFrom('enduser')
      .where('userid', '=', 'alice')
      .select('department')
      .executeTakeFirst();
    assert.equal(alice?.department, 'Unheard');
  });

  it('reads everything when more than 2,000 objects changed at once', async () => {
    await using world = await createSyncWorld({ users: 2_001 });
    await world.start();
    const first = (await world.until(isFollowing)).fullSyncAt ?? 0;
    await world.axl('executeSQLUpdate', "<sql>update enduser set department = 'Moved' where userid like 'user%'</sql>");
    await world.clock.advance(2_000);
    await world.until(({ state, fullSyncAt }) => state === 'Following' && (fullSyncAt ?? 0) > first);
    const moved = await world.test.ids.read
      .selectFrom('enduser')
      .where('department', '=', 'Moved')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    assert.equal(Number(moved.n), 2_001);
  });

  it('follows 2,000 changed objects, and records in more than one reply', async () => {
    await using world = await createSyncWorld({ users: 300 });
    await world.start();
    const first = (await world.until(isFollowing)).fullSyncAt;
    // 12,000 records of 300 objects: a reply holds 10,000.
    for (let n = 0; n < 40; n += 1) {
      await world.axl('executeSQLUpdate', `<sql>update enduser set title = 'T${n}' where userid like 'user%'</sql>`);
    }
    await world.axl('removeUser', '<userid>zoe</userid>');
    await world.poll();
    const titles = await world.test.ids.read
      .selectFrom('enduser')
      .where('userid', 'like', 'user%')
      .select('title')
      .distinct()
      .execute();
    assert.deepEqual(titles, [{ title: 'T39' }]);
    assert.ok(!(await users(world)).has('zoe'));
    assert.equal(world.agent.status().fullSyncAt, first, 'without reading everything');
  });

  it('a poll that is under way when a full sync is asked for: both are done, one after the other', async () => {
    await using world = await createSyncWorld({ users: 100 });
    await world.start();
    await world.until(isFollowing);
    await world.axl('updateUser', '<userid>bob</userid><department>Twice</department>');
    await world.fault({ latency: '30ms' });
    const poll = world.agent.requestSync({ full: false, acceptDeletions: false });
    // By then CUCM has been asked.
    await turn();
    const full = world.agent.requestSync({ full: true, acceptDeletions: false });
    const another = world.agent.requestSync({ full: true, acceptDeletions: false });
    const [followed, read, same] = await Promise.all([poll, full, another]);
    assert.deepEqual([followed.updated, followed.devices], [1, 0], 'the poll was a poll');
    assert.deepEqual([read.users, read.updated], [120, 0]);
    assert.deepEqual(read, same, 'those who wait together get the same');
  });

  it('says that CUCM asks for patience, and until when', async () => {
    await using world = await createSyncWorld();
    await world.start();
    await world.until(isFollowing);
    await world.fault({ memory: '2' });
    const asked = world.agent.requestSync({ full: false, acceptDeletions: false });
    const { sentence, state } = await world.until((status) => status.sentence.includes('patience'));
    assert.equal(state, 'Following');
    assert.match(sentence, /^synced 20 users; CUCM asks for patience, next try \d{4}-.*Z\.$/);
    await world.until((status) => status.sentence.includes('follows changes'));
    await asked;
  });
});
