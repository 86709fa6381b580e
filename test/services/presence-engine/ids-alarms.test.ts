import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { IdsError } from '../../../src/ids/errors.ts';
import { createAlarms } from '../../../src/platform/alarms.ts';
import { createLog } from '../../../src/platform/log.ts';
import { STANDING_PUBLICATION } from '../../../src/presence/publication.ts';
import { xmppPublication } from '../../../src/presence/xmpp-presence.ts';
import { createIdsAlarms } from '../../../src/services/presence-engine/ids-alarms.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { DOMAIN, openEngineWorld } from './engine-world.ts';

describe('an IDS that cannot be read', () => {
  it('is told by an alarm for each of what fails, which ends when it does not', async () => {
    const alarms = createAlarms(new FakeClock(), createLog({ level: 'silent' }));
    const watch = createIdsAlarms(alarms);
    const active = (): string =>
      alarms
        .active()
        .map(({ name }) => name)
        .join(' ');
    const away = new IdsError('ids.busy', 'the database is locked');
    const fail = async (): Promise<never> => {
      throw away;
    };
    await assert.rejects(watch.copying(fail), away);
    await assert.rejects(watch.following(fail), away);
    watch.queried(new Error('something else'));
    watch.queried(away);
    assert.equal(active(), 'PEIDStoIMDBDatabaseSyncError PEIDSSubscribeError PEIDSQueryError');
    assert.match(alarms.active()[2]?.message ?? '', /the database is locked/);
    await watch.copying(async () => undefined);
    await watch.following(async () => undefined);
    watch.queried();
    assert.equal(active(), '');
  });
});

describe('the counters of the engine', () => {
  it('tell how many users are served, and what XMPP says', async () => {
    await using world = await openEngineWorld();
    assert.deepEqual(await world.metric('ActiveJsmSessions'), ['ActiveJsmSessions 4']);
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.updateTable('enduser').set({ primarynodeid: 1 }).where('userid', '=', 'olga').execute();
    });
    await world.settle();
    assert.deepEqual(await world.metric('ActiveJsmSessions'), ['ActiveJsmSessions 5']);
    const said = { presentity: `bob@${DOMAIN}`, resource: 'desk', show: '', status: '', priority: 0 } as const;
    for (const at of [1, 1, 2]) {
      const publication = xmppPublication({ ...said, isIdle: false, features: [] }, at);
      await world.presenceDatastore.publish(publication, STANDING_PUBLICATION.lifeMs);
    }
    assert.deepEqual(await world.metric('XMPPPresenceReceived'), ['XMPPPresenceReceived 2']);
  });
});
