import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOBODY } from '../../../src/pidf/pidf.ts';
import type { PublicationKind } from '../../../src/presence/publication.ts';
import { turn } from '../../support/fake-clock.ts';
import { type AgentWorld, createAgentWorld } from './agent-world.ts';

const ADDRESS = 'alice@acme.example';
const HOUR_MS = 60 * 60_000;

/** Alice owns a desk phone and controls a soft phone. */
async function withPhones(): Promise<AgentWorld> {
  const world = await createAgentWorld();
  const alice = (await world.addUsers('alice')).get('alice') ?? '';
  await world.test.ids.transaction('cucm', async (trx) => {
    const device = { description: '', product: '', model: '', protocol: '', devicepool: '', allowcticontrol: 1 };
    const rest = { dndstatus: 0, dndoption: '', deletedat: null };
    await trx
      .insertInto('device')
      .values([
        { ...device, ...rest, pkid: 'd1', name: 'SEP1', owneruserid: 'alice' },
        { ...device, ...rest, pkid: 'd2', name: 'CSF1', owneruserid: '' },
        { ...device, ...rest, pkid: 'd3', name: 'SEP9', owneruserid: 'somebody' },
      ])
      .execute();
    await trx
      .insertInto('enduserdevicemap')
      .values({ pkid: 'm1', fkenduser: alice, fkdevice: 'd2', tkuserassociation: 1 })
      .execute();
  });
  await world.test.changeFeed.settled();
  return world;
}

async function says(world: AgentWorld, activity: string, kind: PublicationKind = 'xmpp'): Promise<void> {
  const document = { entity: `sip:${ADDRESS}`, person: { ...NOBODY, id: 'alice', activities: [activity] }, tuples: [] };
  await world.presence.publish(
    {
      ...{ presentity: ADDRESS, event: 'presence', source: `${kind}/1`, kind, sessionId: '' },
      ...{ document, publishedAt: world.clock.now() },
    },
    24 * HOUR_MS,
  );
}
/** What CUCM then tells the Sync Agent. */
async function echo(world: AgentWorld, name: string, dndstatus: 0 | 1): Promise<void> {
  await world.test.ids.transaction('cucm', async (trx) => {
    await trx.updateTable('device').set({ dndstatus }).where('name', '=', name).execute();
  });
  await world.test.changeFeed.settled();
}
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await turn();
}
const rows = (world: AgentWorld) =>
  world.test.ids.read.selectFrom('dndpropagation').select(['fkdevice', 'dnd', 'done']).orderBy('fkdevice').execute();

describe('do not disturb', () => {
  it('goes to the phones that a user owns or controls, and is taken back', async () => {
    await using world = await withPhones();
    await says(world, 'dnd');
    await until(() => world.phonesTold.length === 2);
    assert.deepEqual(world.phonesTold.splice(0), ['CSF1 true', 'SEP1 true']);
    await until(async () => (await rows(world)).every(({ done }) => done === 1));
    await echo(world, 'SEP1', 1);
    await echo(world, 'CSF1', 1);
    // Said again, and heard from CUCM: nothing is new.
    await says(world, 'dnd');
    await says(world, 'available');
    await until(() => world.phonesTold.length === 2);
    assert.deepEqual(world.phonesTold, ['CSF1 false', 'SEP1 false']);
    await echo(world, 'SEP1', 0);
    await echo(world, 'CSF1', 0);
    await until(async () => (await rows(world)).length === 0);
  });

  it('is that of a person: neither a calendar nor a phone says it', async () => {
    await using world = await withPhones();
    await says(world, 'dnd', 'calendar');
    await says(world, 'dnd', 'phone');
    await says(world, 'busy', 'client');
    await says(world, 'dnd', 'override');
    await until(() => world.phonesTold.length === 2);
    assert.deepEqual(world.phonesTold, ['CSF1 true', 'SEP1 true']);
  });

  it('leaves a phone alone that rests by its own hand', async () => {
    await using world = await withPhones();
    await echo(world, 'SEP1', 1);
    await says(world, 'dnd');
    await until(() => world.phonesTold.length === 1);
    await until(async () => (await rows(world)).every(({ done }) => done === 1));
    await says(world, 'available');
    await until(() => world.phonesTold.length === 2);
    assert.deepEqual(world.phonesTold, ['CSF1 true', 'CSF1 false']);
  });

  it('waits for CUCM, passes on the latest state only, and is given up after an hour', async () => {
    await using world = await withPhones();
    world.phones.isCucmAway = true;
    world.phones.refused.add('CSF1');
    await says(world, 'dnd');
    await until(async () => (await rows(world)).length === 1 && world.clock.pending > 0);
    await says(world, 'available');
    await says(world, 'dnd');
    world.phones.isCucmAway = false;
    await world.clock.advance(20_000);
    await until(() => world.phonesTold.length === 1);
    assert.deepEqual(world.phonesTold, ['SEP1 true']);
    await until(async () => (await rows(world)).every(({ fkdevice, done }) => fkdevice === 'd1' && done === 1));
    world.phones.isCucmAway = true;
    await says(world, 'available');
    for (let minutes = 0; minutes < 75; minutes += 1) await world.clock.advance(60_000);
    await until(() => world.alarm('InterClusterSyncAgentAXLConnectionFailed') !== undefined);
    assert.match(
      world.alarm('InterClusterSyncAgentAXLConnectionFailed')?.message ?? '',
      /do not disturb was not passed on to CUCM: cucm refuses connections/,
    );
  });

  it('that a crash left half done is finished, once clients have had time to come back', async () => {
    await using world = await withPhones();
    await says(world, 'dnd');
    await until(async () => (await rows(world)).length === 2 && (await rows(world)).every(({ done }) => done === 1));
    await world.stop();
    await world.presence.unpublish(ADDRESS, 'presence', 'xmpp/1');
    world.phonesTold.length = 0;
    await world.start();
    await world.clock.advance(60_000);
    assert.deepEqual(world.phonesTold, []);
    await world.clock.advance(61_000);
    await until(() => world.phonesTold.length === 2);
    assert.deepEqual(world.phonesTold, ['CSF1 false', 'SEP1 false']);
  });
});
