import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import { systemClock } from '../../src/platform/clock.ts';
import { createDigestClient } from '../../src/sip/digest/client.ts';
import type { SipRequest } from '../../src/sip/message/message.ts';
import type { Hop } from '../../src/sip/transport/flow.ts';
import { NameAddr } from '../../src/sip/values/name-addr.ts';
import { envelope, loginRequest } from '../services/client-profile-agent/messages.ts';
import { heard, newRequest, openEndpoint } from '../sip/sip-world.ts';
import { temporaryFolder } from '../support/imp-process.ts';
import { type NodeInProcess, startNode } from '../support/node-in-process.ts';

const NAMES = ['acme', 'acme-east', 'acme-west'] as const;
/** Active users of each fixture who are enabled for IM and Presence. */
const USERS = { acme: 18, 'acme-east': 4, 'acme-west': 4 } as const;
const PASSWORD = 'Imp-demo-1';
const SECONDS_TO_BE_KNOWN = 10;

interface PeerRow {
  readonly id: number;
  readonly name: string;
  readonly state: string;
  readonly users: number;
  readonly hidden: number;
}
interface UserRow {
  readonly userid: string;
  readonly name: string;
  readonly peerCluster: string | null;
  readonly node: string | null;
}

/** Three clusters of one domain, each with a CUCM of its own, and every one a peer of every other. */
describe('three clusters', () => {
  const clusters = new Map<string, NodeInProcess>();
  const stack = new AsyncDisposableStack();
  const cluster = (name: (typeof NAMES)[number]): NodeInProcess => clusters.get(name) ?? assert.fail(name);

  before(async () => {
    const folder = stack.use(await temporaryFolder());
    for (const name of NAMES) clusters.set(name, stack.use(await startNode(`${folder.path}/${name}`, name)));
    for (const own of clusters.values()) {
      for (const other of clusters.values()) {
        if (own === other) continue;
        const row = (await own.admin('POST', 'peer/add', {
          ...{ url: other.endpoints.intercluster, user: 'administrator', password: PASSWORD },
          ...{ ca: other.ca, sipTransport: 'TLS' },
        })) as PeerRow;
        assert.equal(row.state, 'Synced', JSON.stringify(row));
      }
    }
  });
  after(() => stack.disposeAsync());

  const usersOf = async (name: (typeof NAMES)[number]): Promise<readonly UserRow[]> =>
    (await cluster(name).admin('GET', 'user/list')) as UserRow[];
  /** Until `judge` holds on every cluster; answers the seconds. */
  const untilKnown = async (judge: (users: readonly UserRow[]) => boolean): Promise<number> => {
    const began = performance.now();
    for (;;) {
      const all = await Promise.all(NAMES.map(usersOf));
      const seconds = (performance.now() - began) / 1000;
      if (all.every(judge)) return seconds;
      assert.ok(seconds < SECONDS_TO_BE_KNOWN, 'known within seconds');
    }
  };

  it('know the users of each other, and how many there are', async () => {
    for (const name of NAMES) {
      const users = await usersOf(name);
      for (const userid of ['alice', 'zoe', 'anna', 'dirk', 'wanda', 'xena']) {
        assert.ok(
          users.some((user) => user.userid === userid && user.node !== null),
          `${userid} at ${name}`,
        );
      }
      const peers = (await cluster(name).admin('GET', 'peer/list')) as PeerRow[];
      assert.deepEqual(
        peers.map((peer) => [peer.state, peer.users, peer.hidden]),
        NAMES.filter((other) => other !== name).map((other) => ['Synced', USERS[other], 0]),
      );
    }
  });

  it('know of a change in any CUCM within seconds', async () => {
    const name = (user: UserRow): string => `${user.userid} ${user.name}`;
    await cluster('acme-east').axl('updateUser', '<userid>anna</userid><lastName>Åberg</lastName>');
    await untilKnown((users) => users.some((user) => name(user) === 'anna Anna Åberg'));
    await cluster('acme-west').axl(
      'addUser',
      '<user><lastName>New</lastName><userid>wim</userid><presenceGroupName>Standard Presence group</presenceGroupName>' +
        '<imAndPresenceEnable>true</imAndPresenceEnable><homeCluster>true</homeCluster></user>',
    );
    await untilKnown((users) => users.some((user) => name(user) === 'wim New'));
    await cluster('acme').axl('removeUser', '<userid>bob</userid>');
    await untilKnown((users) => users.every((user) => user.userid !== 'bob'));
    const counts = await Promise.all(
      NAMES.map(async (each) => (await usersOf(each)).filter((user) => user.node).length),
    );
    assert.deepEqual(counts, [26, 26, 26]);
  });

  it('send the client of another cluster home', async () => {
    const { endpoints, agent } = cluster('acme-west');
    const answer = await request(String(endpoints.cpa), {
      ...{ method: 'POST', dispatcher: agent, body: envelope(loginRequest('anna', PASSWORD)) },
      headers: { 'content-type': 'application/soap+xml' },
    });
    const text = await answer.body.text();
    assert.match(text, /redirect/);
    assert.match(text, /127\.0\.0\.1/);
  });

  it('carry a message from a phone of one to a phone of another', async () => {
    const tls = (own: NodeInProcess) => ({ key: '', cert: '', ca: own.ca, clientCertificates: 'none' as const });
    const hop = (own: NodeInProcess): Hop => {
      const sip = own.endpoints.sip ?? assert.fail('it has SIP');
      return { transport: 'TLS', address: sip.host, port: sip.tls, serverName: 'localhost' };
    };
    const [east, west] = [cluster('acme-east'), cluster('acme-west')];
    await using wanda = await openEndpoint({ tls: tls(west), tlsPort: null }, { clock: systemClock });
    await using anna = await openEndpoint({ tls: tls(east), tlsPort: null }, { clock: systemClock });
    const signed = async (
      phone: typeof wanda,
      own: NodeInProcess,
      username: string,
      plain: SipRequest,
    ): Promise<number> => {
      const digest = createDigestClient({ username, passwordFor: () => PASSWORD });
      const asked = await phone.sip.send(plain, { hop: hop(own) });
      const answer = digest.answer(plain, asked) ?? assert.fail(`${asked.status} cannot be answered`);
      return (await phone.sip.send(answer, { hop: hop(own) })).status;
    };
    const from = (user: string) => new NameAddr(`sip:${user}@acme.example`, new Map([['tag', 't']]));
    const register = newRequest('REGISTER', [
      ['Contact', `<sip:wanda@127.0.0.1:${wanda.hop('TCP').port};transport=tcp>`],
    ]);
    const registered = await signed(wanda, west, 'wanda', {
      ...withAddresses(register, from('wanda'), new NameAddr('sip:wanda@acme.example')),
      uri: 'sip:acme.example',
    });
    assert.equal(registered, 200);
    const received = heard<SipRequest>();
    wanda.sip.onRequest((transaction) => {
      received.listener(transaction.request);
      transaction.reply(200);
    });
    const message = withAddresses(
      newRequest('MESSAGE', [['Content-Type', 'text/plain']]),
      from('anna'),
      new NameAddr('sip:wanda@acme.example'),
    );
    const sent = { ...message, uri: 'sip:wanda@acme.example', body: Buffer.from('from east to west') };
    assert.equal(await signed(anna, east, 'anna', sent), 200);
    const { body } = await received.promise;
    assert.equal(body.toString(), 'from east to west');
    // A stranger who claims to be of the other cluster has to prove it.
    const claimed = await wanda.sip.send(sent, { hop: hop(west) });
    assert.equal(claimed.status, 407);
  });
});

function withAddresses(given: SipRequest, from: NameAddr, to: NameAddr): SipRequest {
  given.headers.delete('From');
  given.headers.delete('To');
  given.headers.add('From', String(from));
  given.headers.add('To', String(to));
  return given;
}
