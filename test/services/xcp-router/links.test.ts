import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attribute, element } from '../../../src/xml/element.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { userRow } from '../client-profile-agent/cpa-parts.ts';
import { nodeCertificate, openRouterWorld, type RouterWorld, type TestClient } from './router-world.ts';

type Certificate = Awaited<ReturnType<typeof nodeCertificate>>;

/** Tells a world of a peer cluster: its only node, whose authority it trusts, and its users. */
async function tell(
  world: RouterWorld,
  peer: { readonly port: number; readonly authority: string; readonly users: readonly string[] },
): Promise<void> {
  await world.write(async (trx) => {
    await trx
      .insertInto('interclusternode')
      .values({
        ...{ peerid: 1, name: 'imp1', address: '127.0.0.1', subcluster: '', haenabled: 0, isprimary: 1 },
        ...{ tkhaserverstate: 0, version: '', httpsport: 0, sipport: 0, siptlsport: 0, routerport: peer.port },
      })
      .execute();
    const certificate = { peerid: 1, fingerprint: 'x', kind: 'authority', node: '', pem: peer.authority } as const;
    await trx.insertInto('interclustercertificate').values(certificate).execute();
    const rows = peer.users.map((userid) =>
      userRow({ userid, primarynodeid: null, peerclusterid: '1', peernode: 'imp1' }),
    );
    await trx.insertInto('enduser').values(rows).execute();
  });
}

async function until(look: () => boolean): Promise<void> {
  for (let tries = 0; tries < 5_000; tries += 1) {
    if (look()) return;
    await turn();
  }
  assert.fail('it did not come');
}

/** Two clusters of one domain, whose only nodes have one name. */
async function openClusters(trusted?: Certificate) {
  // Certificates are valid now, whatever a test's clock says.
  const clock = new FakeClock(Date.now());
  const [ofEast, ofWest] = [await nodeCertificate(), await nodeCertificate()];
  const east = await openRouterWorld({}, { users: ['anna'], certificate: ofEast, clock });
  const west = await openRouterWorld({}, { users: ['wes'], certificate: ofWest, clock });
  const portOf = (world: RouterWorld): number => world.router.linkPort() ?? assert.fail('it does not listen');
  await tell(east, { port: portOf(west), authority: ofWest.ca, users: ['wes'] });
  await tell(west, { port: portOf(east), authority: (trusted ?? ofEast).ca, users: ['anna'] });
  const anna = east.client('anna@acme.example/desk');
  const wes = west.client('wes@acme.example/phone');
  await anna.connect();
  await wes.connect();
  return {
    ...{ east, west, anna, wes },
    async [Symbol.asyncDispose]() {
      await east[Symbol.asyncDispose]();
      await west[Symbol.asyncDispose]();
    },
  };
}

const chat = (to: string, id: string): string =>
  `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>hi ${id}</body></message>`;
const has = (client: TestClient, id: string): boolean => client.received.some((each) => attribute(each, 'id') === id);

describe('links between routers', () => {
  it('carry messages, requests and presence between clusters, both ways and in order', async () => {
    await using clusters = await openClusters();
    const { east, west, anna, wes } = clusters;
    for (let count = 0; count < 100; count += 1) anna.send(chat('wes@acme.example/phone', `m${count}`));
    await until(() => has(wes, 'm99'));
    const ids = wes.received.map((each) => attribute(each, 'id')).filter((id) => id?.startsWith('m'));
    assert.deepEqual(
      ids,
      Array.from({ length: 100 }, (_, index) => `m${index}`),
    );
    wes.send(chat('anna@acme.example/desk', 'back'));
    await until(() => has(anna, 'back'));
    anna.send(
      `<iq xmlns='jabber:client' to='wes@acme.example/gone' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>`,
    );
    await until(() => has(anna, 'q'));
    const answer = anna.received.find((each) => attribute(each, 'id') === 'q') ?? assert.fail();
    assert.ok(element(element(answer, 'error') ?? assert.fail(), 'service-unavailable'));

    wes.send("<presence xmlns='jabber:client'><show>away</show></presence>");
    anna.send("<presence xmlns='jabber:client'/>");
    await east.settle();
    anna.send("<presence xmlns='jabber:client' type='subscribe' to='wes@acme.example'/>");
    await until(() =>
      anna.received.some((each) => attribute(each, 'from') === 'wes@acme.example/phone' && element(each, 'show')),
    );
    wes.close();
    await until(() => anna.received.some((each) => attribute(each, 'type') === 'unavailable'));
    assert.match(east.router.detail(), /1 of 2 routers linked/);
    assert.deepEqual([...east.failures, ...west.failures], []);
  });

  it('keep a message for who is not there, on the node of the user', async () => {
    await using clusters = await openClusters();
    const { west, anna, wes } = clusters;
    wes.close();
    anna.send(chat('wes@acme.example', 'later'));
    await until(() => anna.received.length > 0 || west.failures.length > 0 || stored(west));
    const again = west.client('wes@acme.example/phone');
    await again.connect();
    again.send("<presence xmlns='jabber:client'/>");
    await until(() => has(again, 'later'));

    function stored(world: RouterWorld): boolean {
      const count = world.test.ids.prepared<[], { n: number }>('SELECT count(*) AS n FROM offlinemessage').get();
      return (count?.n ?? 0) > 0;
    }
  });

  it('are refused to who shows a certificate of another authority', async () => {
    await using clusters = await openClusters(await nodeCertificate());
    const { anna, wes } = clusters;
    anna.send(chat('wes@acme.example/phone', 'm'));
    await until(() => has(anna, 'm'));
    const refused = anna.received.find((each) => attribute(each, 'id') === 'm') ?? assert.fail();
    assert.ok(element(element(refused, 'error') ?? assert.fail(), 'remote-server-timeout'));
    assert.equal(wes.received.length, 0);
  });

  it('tell the sender when the other router is gone', async () => {
    await using clusters = await openClusters();
    const { west, anna } = clusters;
    anna.send(chat('wes@acme.example/phone', '1'));
    await until(() => has(clusters.wes, '1'));
    await west.stop();
    await until(() => /0 of 2/.test(clusters.east.router.detail()));
    anna.send(chat('wes@acme.example/phone', '2'));
    await until(() => has(anna, '2'));
    const refused = anna.received.find((each) => attribute(each, 'id') === '2') ?? assert.fail();
    assert.ok(element(element(refused, 'error') ?? assert.fail(), 'remote-server-timeout'));
    await west.start();
    await clusters.east.clock.advance(2_001);
    const wes = west.client('wes@acme.example/phone');
    await wes.connect();
    anna.send(chat('wes@acme.example/phone', '3'));
    await until(() => has(wes, '3'));
  });
});
