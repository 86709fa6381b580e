import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attribute } from '../../../src/xml/element.ts';
import { openRouterWorld } from '../xcp-router/router-world.ts';
import { openConference } from './conference-world.ts';

const ROOM = 'tea@conference.acme.example';
const enter = (nick: string): string =>
  `<presence xmlns='jabber:client' to='${ROOM}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`;
const OPEN = `<iq xmlns='jabber:client' type='set' id='o' to='${ROOM}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`;

describe('rooms of the XCP Text Conference Manager', () => {
  it('are counted, with their occupants and messages', async () => {
    await using world = await openRouterWorld();
    await using conference = await openConference(world);
    const [alice, bob] = [world.client('alice@acme.example/desk'), world.client('bob@acme.example/phone')];
    await alice.connect();
    await bob.connect();
    alice.send(enter('Alice'));
    alice.send(OPEN);
    await world.settle();
    bob.send(enter('Bob'));
    bob.send(`<message xmlns='jabber:client' to='${ROOM}' type='groupchat'><body>one</body></message>`);
    bob.send(`<message xmlns='jabber:client' to='${ROOM}/Alice' type='chat'><body>two</body></message>`);
    bob.send(`<message xmlns='jabber:client' to='${ROOM}/Nobody' type='chat'><body>three</body></message>`);
    await world.settle();
    assert.equal(conference.detail(), '1 room at conference.acme.example, 2 occupants');
    const counted = async (...names: readonly string[]) =>
      Object.fromEntries(await Promise.all(names.map(async (name) => [name, await world.metric(name)] as const)));
    assert.deepEqual(
      await counted('TcTotalRooms', 'TcAdhocRooms', 'TcPersistentRooms', 'TCRoomNumOccupants', 'TcCreatedRooms'),
      { TcTotalRooms: 1, TcAdhocRooms: 1, TcPersistentRooms: 0, TCRoomNumOccupants: 2, TcCreatedRooms: 1 },
    );
    assert.deepEqual(await counted('TcMessagesIn', 'TcDirectedMessagesIn', 'TcMessagesIgnored'), {
      ...{ TcMessagesIn: 1, TcDirectedMessagesIn: 1, TcMessagesIgnored: 1 },
    });
    alice.close();
    bob.close();
    await world.settle();
    assert.deepEqual(await counted('TcTotalRooms', 'TcDeletedRooms', 'TCRoomNumOccupants'), {
      ...{ TcTotalRooms: 0, TcDeletedRooms: 1, TCRoomNumOccupants: 0 },
    });
  });

  it('bring the answer of an occupant to the resource that asked', async () => {
    await using world = await openRouterWorld();
    await using _conference = await openConference(world);
    const alice = world.client('alice@acme.example/desk');
    const bobs = [world.client('bob@acme.example/phone'), world.client('bob@acme.example/desk')] as const;
    await alice.connect();
    alice.send(enter('Alice'));
    alice.send(OPEN);
    await world.settle();
    for (const bob of bobs) {
      await bob.connect();
      bob.send(enter('Bob'));
    }
    await world.settle();
    for (const client of [alice, ...bobs]) client.received.length = 0;
    bobs[0].send(
      `<iq xmlns='jabber:client' type='get' id='v' to='${ROOM}/Alice'><query xmlns='jabber:iq:version'/></iq>`,
    );
    await world.settle();
    const asked = alice.received[0] ?? assert.fail();
    assert.equal(attribute(asked, 'from'), `${ROOM}/Bob`);
    alice.send(`<iq xmlns='jabber:client' type='result' id='${attribute(asked, 'id')}' to='${ROOM}/Bob'/>`);
    await world.settle();
    const answered = bobs[0].received[0] ?? assert.fail();
    assert.deepEqual(
      ['type', 'id', 'from'].map((name) => attribute(answered, name)),
      ['result', 'v', `${ROOM}/Alice`],
    );
    assert.equal(bobs[1].received.length, 0);
  });
});
