import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PRESENCE_EVENT } from '../../../src/presence/publication.ts';
import { until } from '../../rpc/support/until.ts';
import { DOMAIN, type EngineWorld, openEngineWorld, pkidOf } from './engine-world.ts';

describe('the phones of CUCM', () => {
  let world: EngineWorld;
  beforeEach(async () => {
    world = await openEngineWorld({ parameters: { phoneDoNotDisturb: true } });
    await world.test.ids.transaction('cucm', async (trx) => {
      const device = {
        description: '',
        product: 'Cisco 8845',
        model: '',
        protocol: 'SIP',
        devicepool: 'Default',
        allowcticontrol: 1,
        dndstatus: 0,
        dndoption: 'Ringer Off',
        deletedat: null,
      };
      await trx
        .insertInto('device')
        .values([
          { ...device, pkid: 'd-1', name: 'SEP001122334455', owneruserid: 'alice' },
          { ...device, pkid: 'd-2', name: 'SEP001122334466', owneruserid: 'bob', dndstatus: 1 },
        ])
        .execute();
    });
    await world.settle();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const said = async (user: string): Promise<string> => {
    const all = await world.presenceDatastore.publicationsOf(`${user}@${DOMAIN}`, PRESENCE_EVENT);
    return all.map(({ source, document }) => `${source} ${document.person?.activities.join('+')}`).join(', ');
  };
  const dnd = async (device: string, dndstatus: number): Promise<void> => {
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.updateTable('device').set({ dndstatus }).where('pkid', '=', device).execute();
    });
    await world.settle();
  };

  it('tell of do not disturb, and take it back', async () => {
    assert.equal(await said('alice'), '');
    assert.equal(await said('bob'), 'phone/SEP001122334466 dnd');
    await dnd('d-1', 1);
    assert.equal(await said('alice'), 'phone/SEP001122334455 dnd');
    const [trace] = (await world.test.changeFeed.trace({ limit: 1 })).slice(-1);
    assert.equal(
      trace?.handledBy.find(({ consumer }) => consumer === 'presence-engine')?.note,
      '1 phone told of do not disturb',
    );
    await dnd('d-1', 0);
    assert.equal(await said('alice'), '');
  });

  it('count only while the administrator lets them', async () => {
    await world.configure({ phoneDoNotDisturb: false });
    await until(async () => (await said('bob')) === '');
    await dnd('d-1', 1);
    assert.equal(await said('alice'), '');
    await world.configure({ phoneDoNotDisturb: true });
    await until(async () => (await said('bob')) !== '');
    assert.equal(await said('alice'), 'phone/SEP001122334455 dnd');
  });

  it('never show their hardware address', async () => {
    const [row] = await world.presenceDatastore.publicationsOf(`bob@${DOMAIN}`, PRESENCE_EVENT);
    assert.doesNotMatch(JSON.stringify(row?.document), /001122334466/);
  });

  it('count only while their owner lets them', async () => {
    await world.setProperty('bob', 'Phone.InPresence', 'FALSE');
    await world.settle();
    assert.equal(await said('bob'), '');
    await dnd('d-2', 0);
    await dnd('d-2', 1);
    assert.equal(await said('bob'), '');
    await world.setProperty('bob', 'Phone.InPresence', 'TRUE');
    await world.settle();
    assert.equal(await said('bob'), 'phone/SEP001122334466 dnd');
  });

  it('change hands', async () => {
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.updateTable('device').set({ owneruserid: 'carol' }).where('pkid', '=', 'd-2').execute();
    });
    await world.settle();
    assert.deepEqual([await said('bob'), await said('carol')], ['', 'phone/SEP001122334466 dnd']);
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.updateTable('enduser').set({ enablecups: 0 }).where('pkid', '=', pkidOf('carol')).execute();
    });
    await world.settle();
    assert.equal(await said('carol'), '');
  });

  it('say so for as long as it lasts, over restarts of the service', async () => {
    await world.clock.advance(5 * 3_600_000);
    assert.equal(await said('bob'), 'phone/SEP001122334466 dnd');
    await world.restart();
    assert.equal(await said('bob'), 'phone/SEP001122334466 dnd');
  });
});
