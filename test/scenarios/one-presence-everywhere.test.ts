import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isStream } from '../../src/admin/command.ts';
import { userCommands } from '../../src/admin/commands/user.ts';
import type { AdminContext } from '../../src/admin/context.ts';
import { NOBODY } from '../../src/pidf/pidf.ts';
import { readPidf } from '../../src/pidf/read-pidf.ts';
import { createHttpListener } from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { createScope } from '../../src/platform/scope.ts';
import { basicStateOf } from '../../src/presence/basic-state.ts';
import { composePresence } from '../../src/presence/compose.ts';
import { presenceOverview } from '../../src/presence/presence-overview.ts';
import { PRESENCE_EVENT, type PublicationKind } from '../../src/presence/publication.ts';
import { createLoginDatastore, loginDatastoreDescriptor } from '../../src/services/login-datastore/login-datastore.ts';
import {
  createPresenceWebService,
  presenceWebServiceDescriptor,
} from '../../src/services/presence-web-service/presence-web-service.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../src/sign-in/login-throttle.ts';
import { createSignIn } from '../../src/sign-in/sign-in.ts';
import { elements, type XmlElement } from '../../src/xml/element.ts';
import { parseXml } from '../../src/xml/parse.ts';
import { until } from '../rpc/support/until.ts';
import { feed, openCalendarHost } from '../services/presence-engine/calendar-server.ts';
import { DOMAIN, type EngineWorld, openEngineWorld } from '../services/presence-engine/engine-world.ts';
import { openUserAgent, pidf } from '../services/presence-engine/user-agent.ts';

const TRUNK = '10.1.1.5';
const ALICE = `alice@${DOMAIN}`;

/** The Presence Web Service on the stores of an engine's world: alice sets, bob reads. */
async function openWebService(world: EngineWorld) {
  const log = createLog({ level: 'silent' });
  const { clock, test, routeDatastore, presenceDatastore } = world;
  const { ids, changeFeed, metrics, alarms } = test;
  await ids.transaction('cucm', async (trx) => {
    const application = { pkid: 'app-1', name: 'appuser', isstandard: 0, presencegroup: '', deletedat: null };
    await trx.insertInto('applicationuser').values(application).execute();
    await trx.insertInto('dirgroup').values({ pkid: 'g-1', name: 'Admin-3rd Party API', deletedat: null }).execute();
    await trx
      .insertInto('applicationuserdirgroupmap')
      .values({ fkapplicationuser: 'app-1', fkdirgroup: 'g-1' })
      .execute();
  });
  const scope = createScope(clock, (error) => world.failures.push(error));
  const loginDatastore = createLoginDatastore(
    { engine: world.store, clock, log, metrics, servedBy: () => ({ node: 'imp1', epoch: 0 }) },
    loginDatastoreDescriptor.options.parse({}),
  );
  await loginDatastore.start(scope);
  const throttle = createLoginThrottle(clock, loginThrottleOptions.parse({}));
  const credentials = { check: async () => 'match' as const };
  const signIn = createSignIn({ ids, loginDatastore, routeDatastore, credentials, throttle, log, domain: DOMAIN });
  const listener = createHttpListener('test', log);
  const service = createPresenceWebService(
    {
      listener,
      ids,
      changeFeed,
      loginDatastore,
      routeDatastore,
      presenceDatastore,
      signIn,
      compose: composePresence,
      clock,
      log,
      metrics,
      alarms,
      host: '127.0.0.1',
      readDelay: () => 0,
    },
    presenceWebServiceDescriptor.options.parse({}),
  );
  await service.start(scope);
  await listener.listen('127.0.0.1', 0);
  const rest = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${listener.port}/presence-service${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${text}`);
    return text;
  };
  const keyIn = (text: string): Record<string, string> => ({
    'Presence-Session-Key': /<sessionKey>([^<]+)</.exec(text)?.[1] ?? '',
  });
  const application = keyIn(
    await rest('POST', '/users/appuser/sessions', {}, '<session><password>secret</password></session>'),
  );
  const alice = keyIn(await rest('POST', '/users/alice/sessions', application));
  const bob = keyIn(await rest('POST', '/users/bob/sessions', application));
  return {
    set: (state: string, isOverride: boolean): Promise<string> =>
      rest(
        'PUT',
        '/users/alice/presence/basic',
        { ...alice, 'Presence-Expiry': '3600', 'Presence-Override': String(isOverride) },
        `<presence>${state}</presence>`,
      ),
    clear: (): Promise<string> =>
      rest(
        'PUT',
        '/users/alice/presence/rich',
        { ...alice, 'Presence-Expiry': '3600', 'Presence-Override': 'false' },
        `<presence entity="sip:${ALICE}"><person id="alice"><activities><clear/></activities></person><tuple id="pws-override"/></presence>`,
      ),
    read: async (): Promise<XmlElement> =>
      parseXml(await rest('GET', `/users/bob/presence/rich/contacts/${ALICE}`, bob)),
    async [Symbol.asyncDispose]() {
      await listener.close();
      await scope.close();
    },
  };
}

const find = (root: XmlElement, local: string): XmlElement | undefined =>
  root.local === local ? root : elements(root).flatMap((each) => find(each, local) ?? [])[0];

/** State, custom text and tuples: what both forms of a document can say. */
function gist(root: XmlElement): string {
  const presence = find(root, 'presence');
  if (presence === undefined) return '';
  const document = readPidf(presence);
  const tuples = document.tuples.map(({ id, basic }) => `${id} ${basic}`).join(', ');
  return `${basicStateOf(document)} "${document.person?.note}" ${document.person?.displayName} [${tuples}]`;
}

it("a user's presence is the same over SIP, over the Presence Web Service and to the administrator", async () => {
  await using calendars = await openCalendarHost();
  await using world = await openEngineWorld({
    options: { notifyIntervalSeconds: 0 },
    parameters: { phoneDoNotDisturb: true, calendarSpreadSeconds: 0 },
    gateways: [
      { type: 'CUCM', address: TRUNK },
      { type: 'iCalendar', address: `${calendars.origin}/{user}.ics` },
    ],
  });
  await using trunk = await openUserAgent(world, 'cucm@cucm1.example');
  await using web = await openWebService(world);
  await using alice = await openUserAgent(world, 'alice');
  await using bob = await openUserAgent(world, 'bob');
  const { ids } = world.test;
  const context = {
    ids,
    presence: async (address: string) =>
      presenceOverview(address, await world.presenceDatastore.publicationsOf(address, PRESENCE_EVENT)),
  } as unknown as AdminContext;
  const show = userCommands.find(({ words }) => words.join(' ') === 'user show');
  assert.ok(show && !isStream(show));
  await world.addPhone('alice', 'SEP1', '1001');
  await ids.transaction('cucm', async (trx) => {
    await trx.updateTable('enduser').set({ enablecalendarpresence: 1 }).where('userid', '=', 'alice').execute();
  });
  await world.settle();

  let etag = '';
  const publish = async (activities: string, note = ''): Promise<void> => {
    const match = etag === '' ? [] : ([['SIP-If-Match', etag]] as const);
    const answer = await alice.publish(pidf('alice', activities, 'open', note), match);
    assert.equal(answer.status, 200);
    etag = answer.headers.get('sip-etag') ?? '';
  };
  const remove = async (): Promise<void> => {
    await alice.publish(undefined, [
      ['SIP-If-Match', etag],
      ['Expires', '0'],
    ]);
    etag = '';
  };
  const say = (kind: PublicationKind, source: string, ...activities: string[]): Promise<void> =>
    world.publish({
      presentity: ALICE,
      source,
      kind,
      document: { entity: '', person: { ...NOBODY, activities }, tuples: [] },
    });
  const unsay = async (source: string): Promise<void> =>
    void (await world.presenceDatastore.unpublish(ALICE, PRESENCE_EVENT, source));
  const dnd = (dndstatus: number): Promise<void> =>
    ids.transaction('cucm', async (trx) => {
      await trx.updateTable('device').set({ dndstatus }).where('pkid', '=', 'd-SEP1').execute();
    });

  /** What the calendar holds from now on, and it has been asked for since. */
  const calendar = async (body: string): Promise<void> => {
    calendars.pages.set('/alice.ics', { body });
    const answered = async (): Promise<number> =>
      (await world.metric('CalendarQueries')).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    const wanted = calendars.queries.length + 1;
    for (let step = 0; calendars.queries.length < wanted; step += 1) {
      assert.ok(step < 1_000, 'the calendar is not asked for');
      await world.clock.advance(1_000);
      await until(async () => (await answered()) >= calendars.queries.length);
    }
  };
  let lineEtag = '';
  const line = async (body: string): Promise<void> => {
    const via = `SIP/2.0/TCP ${TRUNK};branch=z9hG4bK1`;
    const answer = await trunk.send(
      'PUBLISH',
      '1001@10.0.0.9',
      [['Event', 'dialog'], ['Via', via], ...(lineEtag === '' ? [] : ([['SIP-If-Match', lineEtag]] as const))],
      { type: 'application/dialog-info+xml', text: `<dialog-info entity="sip:1001@${TRUNK}">${body}</dialog-info>` },
    );
    assert.equal(answer.status, 200);
    lineEtag = answer.headers.get('sip-etag') ?? '';
  };
  const from = world.clock.now() - 60_000;
  const steps: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['nobody says anything', async () => undefined, 'UNAVAILABLE'],
    ['a SIP client comes', () => publish('working', 'here'), 'AVAILABLE'],
    ['an XMPP client is away', () => say('xmpp', 'xmpp/phone', 'away'), 'AVAILABLE'],
    ['the SIP client is away', () => publish('away', 'lunch'), 'AWAY'],
    ['a meeting begins', () => say('calendar', 'calendar/1', 'busy', 'meeting'), 'BUSY'],
    ['the meeting ends', () => unsay('calendar/1'), 'AWAY'],
    ['out of office', () => say('calendar', 'calendar/2', 'vacation'), 'VACATION'],
    ['an application is busy', () => web.set('BUSY', false), 'BUSY'],
    ['the phone is set to do not disturb', () => dnd(1), 'DND'],
    ['an override is away', () => web.set('AWAY', true), 'AWAY'],
    ['the override is on vacation', () => web.set('VACATION', true), 'VACATION'],
    ['the override is taken back', () => web.clear(), 'DND'],
    ['phones do not count', () => world.setProperty('alice', 'Phone.InPresence', 'FALSE'), 'BUSY'],
    ['phones count again', () => world.setProperty('alice', 'Phone.InPresence', 'TRUE'), 'DND'],
    ['the phone rings again', () => dnd(0), 'BUSY'],
    ['the application is unavailable', () => web.set('UNAVAILABLE', false), 'VACATION'],
    ['back in office', () => unsay('calendar/2'), 'AWAY'],
    ['on the phone', () => say('phone', 'phone/x', 'busy', 'on-the-phone'), 'BUSY'],
    ['off the phone', () => unsay('phone/x'), 'AWAY'],
    ['the calendar tells of a meeting', () => calendar(feed(from, from + 86_400_000, 'SUMMARY:Budget')), 'BUSY'],
    ['calendars do not count', () => world.setProperty('alice', 'Calendar.InPresence', 'FALSE'), 'AWAY'],
    ['CUCM tells of a call', () => line('<dialog id="1"><state>confirmed</state></dialog>'), 'BUSY'],
    ['… and of its end', () => line(''), 'AWAY'],
    ['the SIP client goes', () => remove(), 'AWAY'],
    ['the XMPP client goes', () => unsay('xmpp/phone'), 'UNAVAILABLE'],
  ];
  await bob.subscribe('alice');
  let overSip = '';
  for (const [what, act, expected] of steps) {
    await world.clock.advance(1_000);
    await act();
    await world.settle();
    await world.clock.advance(1_000);
    const overWeb = gist(await web.read());
    // The last NOTIFY counts; a step that a watcher cannot see sends none.
    await until(() => {
      overSip = gist(parseXml(bob.unread.at(-1)?.request.body.toString('utf8') ?? '<nothing/>'));
      return overSip === overWeb;
    });
    const shown = (await show.run(
      context,
      { user: 'alice' },
      { by: 'test', signal: new AbortController().signal },
    )) as {
      presence: { state: string; note: string };
    };
    assert.ok(overSip.startsWith(`${expected} "${shown.presence.note}"`), `${what}: ${overSip}`);
    assert.equal(shown.presence.state, expected, what);
  }
});
