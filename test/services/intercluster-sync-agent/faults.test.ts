import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  InterclusterOptions,
  PeerOverview,
} from '../../../src/services/intercluster-sync-agent/intercluster-sync-agent.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { type AgentWorld, createAgentWorld } from './agent-world.ts';
import { createFakePeer, type FakePeer, faultOf, soap } from './fake-peer.ts';

const ASKED = { isFull: false, acceptDeletions: false };
const MINUTE_MS = 60_000;

/** A cluster and a fake peer with two users, synced. */
async function synced(
  options: Partial<InterclusterOptions> = {},
): Promise<{ east: AgentWorld; fake: FakePeer } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const fake = stack.use(await createFakePeer());
  const east = stack.use(await createAgentWorld({ options: { pageRows: 10, ...options } }));
  fake.users.set('1', 'userid="wanda" imAddress="wanda@acme.example" node="fake1"');
  fake.users.set('2', 'userid="wes" imAddress="wes@acme.example"');
  const added = await east.addPeer(fake);
  assert.equal(added.state, 'Synced', added.sentence);
  assert.deepEqual(await east.peerUsers(), ['wanda@1', 'wes@1']);
  const parts = stack.move();
  return { east, fake, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Syncs now, and wants it to fail so; nobody may be lost by it. */
async function fails(east: AgentWorld, reason: string, sentence: RegExp, asked = ASKED): Promise<PeerOverview> {
  const [peer] = await east.agent.syncPeers(null, asked);
  assert.ok(peer);
  assert.deepEqual([peer.state, peer.reason], ['Failed', reason], peer.sentence);
  assert.match(peer.sentence, sentence);
  assert.deepEqual(await east.peerUsers(), ['wanda@1', 'wes@1']);
  return peer;
}

describe('a peer in trouble', () => {
  it('that was stopped is tried at once when it says that it is back', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await west.addUsers('wanda', 'wes');
    await east.addPeer(west);
    await west.addPeer(east);
    await west.stop();
    await fails(east, 'garbage', /has no intercluster service/);
    await west.addUsers('will');
    await west.start();
    const back = await east.untilPeer(({ state }) => state === 'Synced');
    assert.equal(back.users, 3);
  });

  it('that is gone is tried again, soon at first, and shows which nodes do not answer', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await west.addUsers('wanda', 'wes');
    await east.addPeer(west);
    await west.listener.close();
    const peer = await fails(east, 'unreachable', /127\.0\.0\.1 refuses connections: .*; next try 2026-01-01T00:00:05/);
    assert.equal(peer.lastGoodAt, east.clock.now());
    assert.match(east.alarm('InterClusterSyncAgentAXLConnectionFailed')?.message ?? '', /^peer 1 \(imp1\): 127/);
    await east.clock.advance(5_000);
    await east.untilPeer(({ nextTryAt }) => nextTryAt === east.clock.now() + 30_000);
    await east.clock.advance(30_000);
    await east.untilPeer(({ nodesDown }) => nodesDown.includes('imp1'));
    assert.match(east.alarm('InterclusterSyncAgentPeerDown')?.message ?? '', /^peer 1: imp1 does not answer/);
    await east.untilPeer(({ nextTryAt }) => nextTryAt !== null && nextTryAt > east.clock.now() + 4 * MINUTE_MS);
  });

  it('that is cut in the middle of a page', async () => {
    await using world = await synced();
    const { east, fake } = world;
    for (let id = 3; id < 30; id += 1) fake.users.set(`3${id}`, `userid="u${id}" imAddress="u${id}@acme.example"`);
    let pages = 0;
    fake.before = (operation, _request, response) => {
      if (operation !== 'listUsers') return false;
      pages += 1;
      if (pages < 2) return false;
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.write('<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><listUsersRes', () =>
        response.destroy(),
      );
      return true;
    };
    await fails(east, 'unreachable', /the connection to 127\.0\.0\.1 broke/, { ...ASKED, isFull: true });
    fake.before = () => false;
    const [peer] = await east.agent.syncPeers(null, { ...ASKED, isFull: true });
    assert.deepEqual([peer?.state, peer?.users, (await east.peerUsers()).length], ['Synced', 29, 29]);
    assert.equal(east.alarm('InterClusterSyncAgentAXLConnectionFailed'), undefined);
    assert.ok(east.test.alarms.history().some(({ name }) => name === 'InterClusterSyncAgentStatus'));
  });

  it('that answers garbage', async () => {
    await using world = await synced();
    const { east, fake } = world;
    const answers = ['<html>', 'no XML', soap('<getClusterResponse xmlns="urn:other"/>'), '<!DOCTYPE a><a/>'];
    for (const answer of answers) {
      fake.before = (_operation, _request, response) => {
        response.end(answer);
        return true;
      };
      await fails(east, 'garbage', /127\.0\.0\.1 sent an answer to getCluster that is none/);
    }
    fake.before = (operation, _request, response) => {
      if (operation !== 'listChanges') return false;
      response.end(soap('<listChangesResponse xmlns="urn:imp-gateway:intercluster:1" through="minus one"/>'));
      return true;
    };
    await fails(east, 'garbage', /sent an element listChangesResponse whose through is not valid/);
    fake.before = () => false;
    fake.more.set('changed', '<user userid="x" imAddress="x@acme.example"/>');
    await fails(east, 'garbage', /sent a user without id or address/);
    fake.more.set('changed', '');
    fake.more.set('changes', 'more="true"');
    await fails(east, 'garbage', /sent changes that do not go on/);
    assert.match(east.alarm('InterClusterSyncAgentPeerSyncFailure')?.message ?? '', /do not go on/);
  });

  it('that is slow, or says a byte now and then for ever', async () => {
    await using fake = await createFakePeer();
    await using east = await createAgentWorld({ options: { silenceSeconds: 1, callSeconds: 20 } });
    fake.before = () => true;
    const added = await east.addPeer(fake);
    assert.equal(added.state, 'Failed');
    assert.equal(added.reason, 'timeout');
    assert.match(added.sentence, /127\.0\.0\.1 does not answer in time/);
    assert.ok(east.alarm('InterClusterSyncAgentAxlClientTimeout'));
    let isAsked: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    fake.before = (_operation, _request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
      isAsked();
      return true;
    };
    const outcome = east.agent.syncPeers(null, ASKED);
    await asked;
    await east.clock.advance(20_000);
    assert.match((await outcome)[0]?.sentence ?? '', /needs longer than 20 s for an answer/);
  });

  it('whose certificate has run out, or is not trusted', async () => {
    await using world = await synced();
    const { east, fake } = world;
    const { issue, tls } = await testCertificates();
    fake.before = (_operation, request) => {
      request.socket.destroy();
      return true;
    };
    fake.renew(await issue(['127.0.0.1'], -1));
    await fails(east, 'certificate', /the certificate of 127\.0\.0\.1 is refused: it has expired/);
    fake.renew(await issue(['elsewhere.example']));
    await fails(east, 'certificate', /it is for another host name/);
    assert.ok(east.alarm('ICSACertificateValidationFailure'));
    fake.renew(tls);
    fake.before = () => false;
    assert.equal((await east.agent.syncPeers(null, ASKED))[0]?.state, 'Synced');
    const unknown = await east.addPeer({ url: fake.url, ca: '' });
    assert.match(unknown.sentence, /its authority is not known here/);
    assert.deepEqual(await east.peerUsers(), ['wanda@1', 'wes@1']);
  });

  it('that refuses the password is not asked more than three times', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await west.addUsers('wanda', 'wes');
    const added = await east.addPeer(west, 'wrong');
    assert.equal(added.reason, 'denied');
    assert.match(added.sentence, /refuses the name or the password of peer, or its role; next try 2026-01-01T00:05/);
    await east.clock.advance(5 * MINUTE_MS);
    await east.untilPeer(({ nextTryAt }) => nextTryAt === east.clock.now() + 5 * MINUTE_MS);
    await east.clock.advance(5 * MINUTE_MS);
    const last = await east.untilPeer(({ nextTryAt }) => nextTryAt === null);
    assert.match(last.sentence, /it is not tried again until somebody asks \(imp peer sync\)/);
    const again = await east.addPeer(west);
    assert.deepEqual([again.id, again.state, again.users], [added.id, 'Synced', 2]);
    assert.equal(east.alarm('InterClusterSyncAgentAXLConnectionFailed'), undefined);
  });

  it('that has not finished its own sync with CUCM', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    west.isComplete = false;
    const added = await east.addPeer(west);
    assert.deepEqual([added.state, added.reason], ['Failed', 'not-ready']);
    assert.match(added.sentence, /says: the first sync with CUCM is not complete/);
    east.isComplete = false;
    const [paused] = await east.agent.syncPeers(null, ASKED);
    assert.deepEqual([paused?.state, paused?.sentence], ['Paused', 'waits for the first sync with CUCM']);
  });

  it('that speaks of more than is known here, and of less', async () => {
    await using fake = await createFakePeer();
    await using east = await createAgentWorld();
    fake.users.set('1', 'userid="wanda" imAddress="wanda@acme.example"');
    fake.more.set('user', 'shoeSize="38" x:colour="green" xmlns:x="urn:x"');
    fake.more.set('cluster', 'mood="fine"');
    fake.more.set('content', '<holiday name="x"><nested/></holiday><certificate kind="strange">AAAA</certificate>');
    fake.more.set('changes', 'weather="good"');
    const added = await east.addPeer(fake);
    assert.equal(added.state, 'Synced', added.sentence);
    assert.deepEqual([added.users, added.nodes, added.version], [1, 1, '']);
    assert.deepEqual(await east.peerUsers(), ['wanda@1']);
  });

  it('that returns much less than before is not believed, until somebody says so', async () => {
    await using world = await synced();
    const { east, fake } = world;
    fake.users.clear();
    const peer = await fails(
      east,
      'withheld',
      /returned 0 of 2 known users.*imp peer sync 1 --accept-deletions; next try 2026-01-01T00:30/,
      { ...ASKED, isFull: true },
    );
    assert.equal(peer.users, 2);
    assert.match(east.alarm('InterClusterSyncAgentSyncFailure')?.message ?? '', /none was removed/);
    const [accepted] = await east.agent.syncPeers(null, { isFull: true, acceptDeletions: true });
    assert.deepEqual([accepted?.state, accepted?.users, await east.peerUsers()], ['Synced', 0, []]);
  });

  it('whose count is another one is compared', async () => {
    await using world = await synced();
    const { east, fake } = world;
    fake.users.set('3', 'userid="will" imAddress="will@acme.example"');
    fake.more.set('changes', 'users="3"');
    await east.agent.syncPeers(null, ASKED);
    assert.deepEqual(await east.peerUsers(), ['wanda@1', 'wes@1', 'will@1']);
    // The log does not reach back.
    fake.users.set('4', 'userid="xena" imAddress="xena@acme.example"');
    fake.more.set('changes', 'users="4"');
    let isLost = true;
    fake.before = (operation, _request, response) => {
      if (operation !== 'listChanges' || !isLost) return false;
      isLost = false;
      response.writeHead(500);
      response.end(faultOf('place-lost', 'read all users'));
      return true;
    };
    const [peer] = await east.agent.syncPeers(null, ASKED);
    assert.deepEqual([peer?.state, peer?.users], ['Synced', 4]);
  });

  it('that does not fit is not synced: another domain, a second entry, this cluster itself', async () => {
    await using east = await createAgentWorld();
    await using far = await createAgentWorld({ domain: 'other.example' });
    await using west = await createAgentWorld();
    await far.addUsers('xi');
    const domain = await east.addPeer(far);
    assert.equal(domain.reason, 'domain-conflict');
    assert.match(
      domain.sentence,
      /imp1 has the domain other\.example, and here it is acme\.example; next try .*T00:30/,
    );
    assert.ok(east.alarm('InterClusterSyncAgentDomainConflict'));
    await east.addPeer(west);
    const second = await east.addPeer({ ...west, url: west.url.replace('127.0.0.1', 'localhost') });
    assert.equal(second.reason, 'duplicate');
    assert.match(second.sentence, /imp1 belongs to the cluster of peer 2 \(https:.*\): remove one of the two/);
    const itself = await east.addPeer(east);
    assert.equal(itself.reason, 'itself');
    const message = east.alarm('InterclusterSyncAgentPeerDuplicate')?.message ?? '';
    assert.match(message, /^peer 3 .*; peer 4 .* is this cluster itself$/);
    await east.agent.removePeer('3');
    await east.agent.removePeer('4');
    assert.equal(east.alarm('InterclusterSyncAgentPeerDuplicate'), undefined);
    assert.deepEqual(await east.peerUsers(), []);
  });

  it('that is gone for days keeps its users, which are stale; the alarm names the last good time', async () => {
    await using world = await synced({ staleDays: 1, retryMinutes: 60, probeSeconds: 3600 });
    const { east, fake } = world;
    fake.before = (_operation, request) => {
      request.socket.destroy();
      return true;
    };
    await fails(east, 'unreachable', /broke/);
    await east.clock.advance(121 * MINUTE_MS);
    const alarm = east.alarm('InterClusterSyncAgentPeerPeriodicSyncingFailure');
    assert.match(alarm?.message ?? '', /has not been synced for 12\d minutes, last good sync: 2026-01-01T00:00/);
    assert.equal((await east.peer()).isStale, false);
    await east.clock.advance(24 * 60 * MINUTE_MS);
    assert.equal((await east.peer()).isStale, true);
    assert.deepEqual(await east.peerUsers(), ['wanda@1', 'wes@1']);
    fake.before = () => false;
    await east.agent.syncPeers(null, ASKED);
    assert.equal(east.alarm('InterClusterSyncAgentPeerPeriodicSyncingFailure'), undefined);
    assert.equal((await east.peer()).isStale, false);
  });
});
