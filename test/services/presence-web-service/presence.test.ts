import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PIDF_NAMESPACE, type Pidf } from '../../../src/pidf/pidf.ts';
import { readPidf } from '../../../src/pidf/read-pidf.ts';
import { element, elements } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import {
  at,
  DOMAIN,
  NS,
  numberOf,
  openPwsWorld,
  type PwsWorld,
  type RestAnswer,
  statesOf,
  subscriptionBody,
} from './pws-world.ts';

const ALICE = `alice@${DOMAIN}`;
const BOB = `bob@${DOMAIN}`;

const rich = (user: string, activities: string, tuples: string): string =>
  `<presence entity="sip:${user}@${DOMAIN}"><person id="${user}"><activities>${activities}</activities></person>${tuples}</presence>`;
const own = (basic = 'open'): string =>
  `<tuple id="mine"><source>Presence Web Service</source><status><basic>${basic}</basic></status></tuple>`;
const override = (id = 'pws-override'): string => `<tuple id="${id}"><status><basic>open</basic></status></tuple>`;

describe('presence through the Presence Web Service', () => {
  let world: PwsWorld;
  let application: string;
  let alice: string;
  let bob: string;
  beforeEach(async () => {
    world = await openPwsWorld();
    application = await world.signInApplication();
    alice = await world.signIn('alice', application);
    bob = await world.signIn('bob', application);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const setRich = (body: string, isOverride: boolean, expiry: number | string = 3_600): Promise<RestAnswer> =>
    world.rest('PUT', '/users/bob/presence/rich', { key: bob, expiry, override: String(isOverride), body });
  const seen = async (): Promise<string | undefined> => (await world.see(alice, 'alice', BOB))[0];
  const seenRich = async (): Promise<Pidf> => {
    const answer = await world.rest('GET', `/users/alice/presence/rich/contacts/${BOB}`, { key: alice });
    const list = element(parseXml(answer.text), 'richPresenceList');
    const [document] = list ? elements(list, 'presence', PIDF_NAMESPACE.pidf) : [];
    assert.ok(document, answer.text);
    return readPidf(document);
  };

  describe('basic', () => {
    it('reads what was set, unavailable before, unknown for who is not there', async () => {
      assert.deepEqual(
        await world.see(alice, 'alice', BOB, `nobody@${DOMAIN}`, 'x@other.example', `mallory@${DOMAIN}`),
        ['UNAVAILABLE', 'UNKNOWN', 'UNKNOWN', 'UNKNOWN'],
      );
      for (const state of ['AVAILABLE', 'BUSY', 'AWAY', 'VACATION', 'UNAVAILABLE']) {
        const set = await world.setBasic(bob, 'bob', state);
        assert.deepEqual([set.status, set.text], [200, '']);
        assert.equal(await seen(), state);
      }
      assert.equal((await world.setBasic(bob, 'bob', 'DND', true)).status, 200);
      assert.equal(await seen(), 'DND');
    });

    it('answers contacts in the order and the case they were asked in, by path and by query', async () => {
      const path = `/users/alice/presence/basic/contacts/Bob%40${DOMAIN},${ALICE}?contact=carol@${DOMAIN}&contact=x%40y.example`;
      const { text, status } = await world.rest('GET', path, { key: alice });
      assert.equal(status, 200);
      assert.match(
        text,
        /^<\?xml [^>]*\?><presenceResponse><presenceType>BASIC_PRESENCE<\/presenceType><basicPresenceList>/,
      );
      assert.deepEqual(
        [...text.matchAll(/contactURI="([^"]+)"/g)].map((match) => match[1]),
        [`Bob@${DOMAIN}`, ALICE, `carol@${DOMAIN}`, 'x@y.example'],
      );
      const byQuery = await world.rest('GET', `/users/alice/presence/basic/contacts?contact=${BOB}`, { key: alice });
      assert.deepEqual(statesOf(byQuery.text), ['UNAVAILABLE']);
      for (const [contacts, number] of [
        ['', 135],
        [`${BOB},`, 143],
        ['bob', 124],
      ] as const) {
        const refused = await world.rest('GET', `/users/alice/presence/basic/contacts/${contacts}`, { key: alice });
        assert.equal(numberOf(refused), number, contacts);
      }
    });

    it('holds the rules of override and expiry', async () => {
      const set = (body: string, options: { override?: string; expiry?: number | string }): Promise<RestAnswer> =>
        world.rest('PUT', '/users/bob/presence/basic', { key: bob, body, ...options });
      const presence = (state: string): string => `<presence>${state}</presence>`;
      const expiry = 3_600;
      for (const [number, body, options] of [
        [121, presence('AVAILABLE'), { override: 'true', expiry }],
        [122, presence('DND'), { override: 'false', expiry }],
        [122, presence('DND'), { expiry }],
        [120, presence('UNKNOWN'), { expiry }],
        [120, presence('available'), { expiry }],
        [115, presence(''), { expiry }],
        [115, '', { expiry }],
        [125, presence('AWAY'), { override: 'TRUE', expiry }],
        [125, presence('AWAY'), { override: '1', expiry }],
        [125, presence('AWAY'), { override: '', expiry }],
        [131, presence('AWAY'), {}],
        [131, presence('AWAY'), { expiry: 86_401 }],
        [103, '<x>AWAY</x>', { expiry }],
        [102, '<presence>', { expiry }],
      ] as const) {
        assert.equal(numberOf(await set(body, options)), number, `${body} ${JSON.stringify(options)}`);
      }
      assert.equal(await seen(), 'UNAVAILABLE');
      assert.equal(
        (await set('<?xml version="1.0"?>\n<presence>\n  AWAY\n</presence>', { expiry: 86_400 })).status,
        200,
      );
      assert.equal(await seen(), 'AWAY');
    });

    it('lets an override win whatever the client says, until it expires or is replaced', async () => {
      await world.setBasic(bob, 'bob', 'AVAILABLE');
      await world.setBasic(bob, 'bob', 'AWAY', true);
      assert.equal(await seen(), 'AWAY');
      await world.setBasic(bob, 'bob', 'BUSY');
      assert.equal(await seen(), 'AWAY');
      await world.setBasic(bob, 'bob', 'DND', true);
      assert.equal(await seen(), 'DND');
      await world.clock.advance(1_000_000);
      await world.setBasic(bob, 'bob', 'BUSY');
      await world.clock.advance(2_600_000);
      assert.equal(await seen(), 'BUSY');
      await world.clock.advance(1_000_000);
      assert.equal(await seen(), 'UNAVAILABLE');
    });

    it('composes the clients of several sources, and shows a user unavailable only when all are', async () => {
      const publish = (source: string, activities: readonly string[]): Promise<void> =>
        world.presenceDatastore.publish(
          {
            presentity: BOB,
            event: 'presence',
            source,
            kind: 'client',
            sessionId: '',
            document: readPidf(
              parseXml(rich('bob', activities.map((name) => `<${name}/>`).join(''), `<tuple id="${source}"/>`)),
            ),
            publishedAt: world.clock.now(),
          },
          60_000,
        );
      await publish('xmpp/desk', ['available']);
      await world.setBasic(bob, 'bob', 'UNAVAILABLE');
      assert.equal(await seen(), 'AVAILABLE');
      await publish('phone/SEP1', ['on-the-phone']);
      assert.equal(await seen(), 'BUSY');
      assert.equal((await seenRich()).tuples.length, 3);
      await world.clock.advance(60_000);
      assert.equal(await seen(), 'UNAVAILABLE');
    });

    it('takes back what a session has set when it ends, but not what is persistent', async () => {
      await world.setBasic(bob, 'bob', 'BUSY');
      await world.setBasic(bob, 'bob', 'DND', true);
      await world.rest('DELETE', '/users/bob/session', { key: bob });
      assert.equal(await seen(), 'UNAVAILABLE');
      bob = await world.signIn('bob', application);
      assert.equal((await setRich(rich('bob', '<vacation/>', override('pws-persistent')), true)).status, 200);
      await world.rest('DELETE', '/users/bob/session', { key: bob });
      assert.equal(await seen(), 'VACATION');
      await world.clock.advance(3_600_000);
      assert.equal(await seen(), 'UNAVAILABLE');
    });

    it('leaves nothing behind of a session that ends while it works', async () => {
      const endPoint = await world.register(application, 'http://127.0.0.1:9/');
      for (let round = 0; round < 20; round += 1) {
        bob = await world.signIn('bob', application);
        const work = [
          world.setBasic(bob, 'bob', 'BUSY'),
          world.rest('POST', '/users/bob/subscriptions', {
            key: bob,
            expiry: 3_600,
            body: subscriptionBody(endPoint, [ALICE]),
          }),
          world.rest('DELETE', '/users/bob/session', { key: bob }),
          world.setBasic(bob, 'bob', 'DND', true),
        ];
        await Promise.all(work);
        assert.equal(await seen(), 'UNAVAILABLE');
        assert.equal((await world.presenceDatastore.watchersOf(ALICE, 'presence')).length, 0);
      }
      assert.match(world.service.detail(), /1 endpoint and 0 subscriptions/);
    });

    it('takes back what end users have set when their application logs out', async () => {
      await world.setBasic(bob, 'bob', 'BUSY');
      await world.rest('DELETE', '/users/appuser/session', { key: application });
      application = await world.signInApplication();
      alice = await world.signIn('alice', application);
      assert.equal(await seen(), 'UNAVAILABLE');
    });
  });

  describe('rich', () => {
    it('answers one document a contact, composed, in its own namespaces', async () => {
      await world.setBasic(bob, 'bob', 'AWAY');
      const path = `/users/alice/presence/rich/contacts/${BOB},x@y.example`;
      const { text } = await world.rest('GET', path, { key: alice });
      assert.match(
        text,
        /^<\?xml [^>]*\?><presenceResponse><presenceType>RICH_PRESENCE<\/presenceType><richPresenceList><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:bob@acme\.example"><person xmlns="urn:cisco:params:xml:ns:pidf:rpid" id="bob"><activities><away\/>/,
      );
      assert.match(text, /<display-name xmlns="urn:ietf:params:xml:ns:pidf:cipid">Bob &lt;&amp; Co&gt;</);
      assert.match(
        text,
        /<tuple id="cisco-pws"><status><basic>open<\/basic><\/status><source xmlns="urn:cisco:params:xml:ns:pidf:source">Presence Web Service</,
      );
      assert.equal(text.match(/<presence /g)?.length, 2);
      assert.match(text, /entity="sip:x@y\.example"><person [^>]*><activities><unknown\/>/);
    });

    it('keeps what a client tells: custom text, class, abilities, several activities', async () => {
      const body = `<presence entity="sip:bob@${DOMAIN}"><person id="bob"><class>manual</class><activities><busy/><meeting/></activities><note>On it &amp; over</note></person>
        <tuple id="pws-override"><status><basic>open</basic></status><servcaps><audio>true</audio><type>text/plain</type><type>x/y</type></servcaps><contact priority="0.6">sip:bob@${DOMAIN}</contact><source>Human</source></tuple></presence>`;
      assert.equal((await setRich(body, true)).status, 200);
      assert.equal(await seen(), 'BUSY');
      const { person, tuples } = await seenRich();
      assert.deepEqual(person?.activities, ['busy', 'meeting']);
      assert.deepEqual([person?.class, person?.note, person?.displayName], ['manual', 'On it & over', 'Bob <& Co>']);
      assert.deepEqual(tuples, [
        {
          id: 'pws-override',
          basic: 'open',
          contact: { uri: `sip:bob@${DOMAIN}`, priority: '0.6' },
          abilities: [
            { name: 'audio', value: 'true' },
            { name: 'type', value: 'text/plain' },
            { name: 'type', value: 'x/y' },
          ],
          userInput: '',
          source: 'Human',
          note: '',
        },
      ]);
    });

    it('takes documents with and without namespaces, and the forms of phones', async () => {
      const phone = `<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:e="urn:ietf:params:xml:ns:pidf:status:rpid" xmlns:so="urn:cisco:params:xml:ns:pidf:source" entity="${BOB}"><dm:person><e:activities><e:on-the-phone/></e:activities></dm:person><tuple id="t"><so:source>Presence Web Service</so:source><status><basic>open</basic></status></tuple></presence>`;
      assert.equal((await setRich(phone, false)).status, 200);
      assert.equal(await seen(), 'BUSY');
      // Basic presence may not say so, rich presence may: available with override.
      assert.equal((await setRich(rich('bob', '<available/>', override()), true)).status, 200);
      assert.equal(await seen(), 'AVAILABLE');
    });

    it('holds the rules of tuples, sources, entity and size', async () => {
      for (const [number, body, isOverride] of [
        [161, rich('bob', '<away/>', own()), true],
        [161, rich('bob', '<away/>', ''), true],
        [161, rich('bob', '<away/>', override() + override('other')), true],
        [162, rich('bob', '<away/>', override()), false],
        [162, rich('bob', '<away/>', own() + override('x')), false],
        [162, rich('bob', '<away/>', ''), false],
        [120, rich('alice', '<away/>', own()), false],
        [120, rich('bob', '<dancing/>', own()), false],
        [120, rich('bob', '<away/>', own().repeat(101)), false],
        [120, rich('bob', '<away/>', own()).replace(/ entity="[^"]+"/, ''), false],
        [103, '<presenze/>', false],
        [102, '<presence', false],
        [102, '', false],
        [102, `<!DOCTYPE presence>${rich('bob', '<away/>', own())}`, false],
      ] as const) {
        assert.equal(numberOf(await setRich(body, isOverride)), number, body.slice(0, 200));
      }
      assert.equal(numberOf(await setRich(rich('bob', '<away/>', own()), false, 1)), 131);
      const large = await setRich(rich('bob', '<away/>', own()) + ' '.repeat(65 * 1024), false);
      assert.deepEqual([large.status, numberOf(large)], [413, 150]);
      assert.equal(await seen(), 'UNAVAILABLE');
    });

    it('drops the override by the activity clear', async () => {
      await world.setBasic(bob, 'bob', 'AWAY');
      for (const id of ['pws-override', 'pws_override']) {
        await world.setBasic(bob, 'bob', 'DND', true);
        assert.equal((await setRich(rich('bob', '<clear/>', `<tuple id="${id}"/>`), false)).status, 200);
        assert.equal(await seen(), 'AWAY');
      }
    });

    it('lets another composition take its place', async () => {
      await using other = await openPwsWorld({
        compose: (presentity) => ({
          entity: `sip:${presentity}`,
          person: null,
          tuples: [{ id: 'x', basic: 'open', contact: null, abilities: [], userInput: '', source: '', note: '' }],
        }),
      });
      const key = await other.signIn('alice', await other.signInApplication());
      assert.deepEqual(await other.see(key, 'alice', BOB), ['AVAILABLE']);
    });
  });

  describe('permission', () => {
    const acl = (watcher: string, policy: 'allow' | 'deny'): Promise<void> =>
      world.test.ids.transaction('client', async (trx) => {
        await trx.insertInto('peuriacl').values({ fkenduser: 'pkid-bob', watcher, type: 'user', policy }).execute();
      });

    it('shows nothing but unavailable to who may not see, in both forms', async () => {
      await setRich(rich('bob', '<busy/>', override()).replace('</person>', '<note>secret</note></person>'), true);
      assert.equal(await seen(), 'BUSY');
      await acl(ALICE, 'deny');
      assert.equal(await seen(), 'UNAVAILABLE');
      const { person, tuples } = await seenRich();
      assert.deepEqual([person?.activities, person?.note, person?.displayName, tuples], [['unavailable'], '', '', []]);
      // One's own presence is always seen.
      assert.deepEqual(await world.see(bob, 'bob', BOB), ['BUSY']);
    });

    it('asks list, rules, contacts and privacy in this order', async () => {
      await world.setBasic(bob, 'bob', 'BUSY');
      await world.test.ids.transaction('client', async (trx) => {
        const property = { fkenduser: 'pkid-bob', name: 'Privacy.Internal', value: 'deny' };
        await trx.insertInto('enduserproperty').values(property).execute();
      });
      assert.equal(await seen(), 'UNAVAILABLE');
      await world.test.ids.transaction('client', async (trx) => {
        const contact = { nickname: '', presenceaware: 1, subscription: 'none', ask: 0 };
        await trx
          .insertInto('rosteritem')
          .values({ ...contact, pkid: 'r1', fkenduser: 'pkid-bob', contactuser: 'Alice', contactdomain: DOMAIN })
          .execute();
      });
      assert.equal(await seen(), 'BUSY');
      await world.test.ids.transaction('client', async (trx) => {
        const watchers = JSON.stringify([{ type: 'internal', value: '' }]);
        const rule = { fkenduser: 'pkid-bob', ruleid: '1', position: 0, name: '', enabled: 1, watchers };
        await trx
          .insertInto('presencerule')
          .values({ ...rule, policy: 'polite-block' })
          .execute();
      });
      assert.equal(await seen(), 'UNAVAILABLE');
      await acl(ALICE, 'allow');
      assert.equal(await seen(), 'BUSY');
    });
  });

  it('sets and reads through the SOAP face, rich presence as elements and as text', async () => {
    const document = rich('bob', '<away/>', own());
    const set = (richPresence: string): Promise<{ text: string }> =>
      world.soap(
        `<setPresence xmlns="${NS}"><presenceType>RICH_PRESENCE</presenceType><presenceInfo>${richPresence}<override>false</override></presenceInfo><expiration>3600</expiration></setPresence>`,
        { key: bob },
      );
    const escaped = document.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"';
    for (const inside of [
      `<richPresence>${document}</richPresence>`,
      `<richPresence ${xsi} xsi:type="xsd:string">${escaped}</richPresence>`,
      `<richPresence><![CDATA[<?xml version="1.0"?>${document}]]></richPresence>`,
    ]) {
      const answer = await set(inside);
      assert.match(answer.text, /<p:setPresenceResponse [^>]*><p:status>SUCCESS</);
      assert.equal(await seen(), 'AWAY');
      await world.setBasic(bob, 'bob', 'UNAVAILABLE');
    }
    assert.equal(numberOf(await set('<richPresence>not XML</richPresence>')), 102);
    assert.equal(numberOf(await set('<richPresence><x/></richPresence>')), 103);
    assert.equal(numberOf(await set('')), 103);
    await set(`<richPresence>${document}</richPresence>`);
    const read = await world.soap(
      `<getPolledPresence xmlns="${NS}"><contactsList><contact contactURI="${BOB}"/></contactsList><presenceType>RICH_PRESENCE</presenceType></getPolledPresence>`,
      { key: alice },
    );
    assert.equal(at(read.payload, 'presenceResponse', 'presenceType'), 'RICH_PRESENCE');
    assert.match(read.text, /<p:richPresenceList><presence xmlns="urn:ietf:params:xml:ns:pidf"/);
  });
});
