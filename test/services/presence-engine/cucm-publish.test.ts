import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PRESENCE_EVENT } from '../../../src/presence/publication.ts';
import type { SipResponse } from '../../../src/sip/message/message.ts';
import { DOMAIN, type EngineWorld, openEngineWorld } from './engine-world.ts';
import { openUserAgent, pidf, type UserAgent } from './user-agent.ts';

const TRUNK = '10.1.1.5';
/** What the proxy has noted of a request that the trunk has sent to it. */
const fromTrunk = (address = TRUNK): readonly [string, string] => [
  'Via',
  `SIP/2.0/TCP cucm1.${DOMAIN}:5060;branch=z9hG4bK1;received=${address}`,
];
const dialogs = (...states: readonly (readonly [string, string])[]): string =>
  `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="full" entity="sip:1001@cucm1">${states
    .map(([state, direction], id) => `<dialog id="${id}" direction="${direction}"><state>${state}</state></dialog>`)
    .join('')}</dialog-info>`;

describe("what CUCM's trunk publishes", () => {
  let world: EngineWorld;
  let trunk: UserAgent;
  beforeEach(async () => {
    world = await openEngineWorld({ gateways: [{ type: 'CUCM', address: TRUNK }] });
    await world.addPhone('alice', 'SEP001122334455', '1001');
    await world.addPhone('bob', 'SEP001122334466', '\\+1002');
    await world.settle();
    trunk = await openUserAgent(world, 'cucm@cucm1.example');
  });
  afterEach(async () => {
    await trunk[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const said = async (user: string): Promise<string> => {
    const all = await world.presenceDatastore.publicationsOf(`${user}@${DOMAIN}`, PRESENCE_EVENT);
    return all.map(({ kind, document }) => `${kind} ${document.person?.activities.join('+')}`.trimEnd()).join(', ');
  };
  type Headers = readonly (readonly [string, string])[];
  const publish = (to: string, body: string | undefined, headers: Headers = [fromTrunk()]): Promise<SipResponse> =>
    trunk.publish(body, headers, to);
  const publishDialogs = (to: string, body: string, headers: Headers = []): Promise<SipResponse> =>
    trunk.send('PUBLISH', to, [['Event', 'dialog'], fromTrunk(), ...headers], {
      type: 'application/dialog-info+xml',
      text: body,
    });
  const match = (response: SipResponse): readonly [string, string] => [
    'SIP-If-Match',
    response.headers.get('sip-etag') ?? '',
  ];
  const entity = (text: string): string => text.replace('pres:alice@acme.example', 'sip:1001@cucm1.example');

  it('is what phones say, for a user or for a line', async () => {
    const to = [`alice@${DOMAIN}`, 'alice@10.0.0.9', '1001@10.0.0.9'];
    for (const each of to) {
      const response = await publish(each, entity(pidf('alice', 'on-the-phone')));
      assert.equal(response.status, 200, each);
      assert.equal(await said('alice'), 'phone on-the-phone', each);
      assert.equal((await publish(each, undefined, [fromTrunk(), match(response), ['Expires', '0']])).status, 200);
      assert.equal(await said('alice'), '');
    }
    assert.equal((await publish('+1002@10.0.0.9', entity(pidf('alice', 'on-the-phone')))).status, 200);
    assert.equal(await said('bob'), 'phone on-the-phone');
    assert.equal((await publish('1999@10.0.0.9', pidf('alice', 'busy'))).status, 404);
    assert.equal((await publish(`olga@${DOMAIN}`, pidf('alice', 'busy'))).status, 480);
  });

  it('may be the state of dialogs, of which a call that stands or is made counts', async () => {
    let last: SipResponse | undefined;
    for (const [body, expected] of [
      [dialogs(), 'phone'],
      [dialogs(['trying', 'initiator']), 'phone busy+on-the-phone'],
      [dialogs(['early', 'recipient']), 'phone'],
      [dialogs(['early', 'recipient'], ['confirmed', 'recipient']), 'phone busy+on-the-phone'],
      [dialogs(['terminated', 'initiator']), 'phone'],
    ] as const) {
      last = await publishDialogs('1001@10.0.0.9', body, last ? [match(last)] : []);
      assert.equal(last.status, 200);
      assert.equal(await said('alice'), expected, body);
    }
    assert.equal((await publishDialogs('1001@10.0.0.9', '<presence/>')).status, 400);
    const weather = await trunk.send('PUBLISH', 'alice', [['Event', 'weather'], fromTrunk()]);
    assert.deepEqual([weather.status, weather.headers.text('allow-events')], [489, 'presence, dialog']);
  });

  it('is told of everybody whose line it is, and never with the name of the phone', async () => {
    await world.addPhone('carol', 'SEP001122334477', '1001');
    await world.settle();
    const first = await publish(
      '1001@10.0.0.9',
      entity(pidf('alice', 'on-the-phone')).replace('"t1"', '"SEP001122334477"'),
    );
    assert.deepEqual([await said('alice'), await said('carol')], ['phone on-the-phone', 'phone on-the-phone']);
    const rows = await world.presenceDatastore.publicationsOf(`carol@${DOMAIN}`, PRESENCE_EVENT);
    assert.doesNotMatch(JSON.stringify(rows), /SEP|00112233/);
    await world.addPhone('dave', 'SEP001122334488', '1001');
    await world.settle();
    assert.equal((await publish('1001@10.0.0.9', undefined, [fromTrunk(), match(first)])).status, 412);
    assert.deepEqual([await said('alice'), await said('carol')], ['', '']);
    assert.equal((await publish('1001@10.0.0.9', entity(pidf('alice', 'on-the-phone')))).status, 200);
    assert.equal(await said('dave'), 'phone on-the-phone');
  });

  it('counts only while the user lets phones count', async () => {
    const first = await publish('1001@10.0.0.9', entity(pidf('alice', 'on-the-phone')));
    await world.setProperty('alice', 'Phone.InPresence', 'FALSE');
    await world.settle();
    assert.equal(await said('alice'), '');
    assert.equal((await publish('1001@10.0.0.9', undefined, [fromTrunk(), match(first)])).status, 412);
    assert.equal((await publish('1001@10.0.0.9', entity(pidf('alice', 'on-the-phone')))).status, 200);
    assert.equal(await said('alice'), '');
  });

  it('is believed of CUCM alone: by the address that sent it to the first node', async () => {
    const body = pidf('alice', 'on-the-phone');
    for (const headers of [[], [fromTrunk('10.1.1.6')], [fromTrunk('10.1.1.6'), fromTrunk()]]) {
      assert.equal((await publish(`alice@${DOMAIN}`, body, headers)).status, 403, JSON.stringify(headers));
    }
    // By way of another node of the cluster, as it has come to that one.
    assert.equal((await publish(`alice@${DOMAIN}`, body, [fromTrunk('127.0.0.2'), fromTrunk()])).status, 200);
    await world.configure({}, []);
    await world.clock.advance(60_000);
    assert.equal((await publish(`alice@${DOMAIN}`, body)).status, 403);
    await world.test.ids.transaction('cucm', async (trx) => {
      const row = { description: '', nodeusage: 'Subscriber', role: 'CUCM Voice/Video' };
      await trx
        .insertInto('processnode')
        .values([
          { ...row, pkid: 'p-1', name: TRUNK },
          { ...row, pkid: 'p-2', name: '127.0.0.1' },
        ])
        .execute();
    });
    await world.clock.advance(60_000);
    assert.equal((await publish(`alice@${DOMAIN}`, body)).status, 200);
    assert.equal((await publish(`alice@${DOMAIN}`, body, [])).status, 403, 'everybody of the machine would be CUCM');
  });
});
