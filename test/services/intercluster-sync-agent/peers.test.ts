import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAgentWorld } from './agent-world.ts';

describe('two clusters', () => {
  it('know each other, and of every change at once', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld({ nodeName: 'imp-west' });
    await east.addUsers('anna', 'ben');
    await west.addUsers('wanda');
    const added = await east.addPeer(west);
    assert.deepEqual([added.state, added.users, added.name, added.nodes], ['Synced', 1, 'imp-west', 1]);
    assert.deepEqual(await east.peerUsers(), ['wanda@1']);
    await west.addPeer(east);
    assert.deepEqual(await west.peerUsers(), ['anna@1', 'ben@1']);

    await west.addUsers('wes');
    await east.untilPeerUsers('wanda@1', 'wes@1');
    await west.setUser('wanda', { userid: 'wanda2', imaddress: 'wanda2@acme.example', lastname: 'New' });
    await east.untilPeerUsers('wanda2@1', 'wes@1');
    await west.removeUser('wes');
    await east.untilPeerUsers('wanda2@1');
    await west.setUser('wanda2', { status: 0 });
    await east.untilPeerUsers();
    await west.setUser('wanda2', { status: 1, directoryuri: 'w@acme.example' });
    await east.untilPeerUsers('wanda2@1');
    const row = await east.test.ids.read
      .selectFrom('enduser')
      .selectAll()
      .where('userid', '=', 'wanda2')
      .executeTakeFirstOrThrow();
    assert.deepEqual(
      [row.imaddress, row.lastname, row.directoryuri, row.peernode, row.primarynodeid, row.enablecups, row.xcp_user_id],
      ['wanda2@acme.example', 'New', 'w@acme.example', 'imp-west', null, 1, 'wanda2'],
    );
    assert.equal((await east.peer()).users, 1);
  });

  it('tell nobody of what a peer told them', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await using north = await createAgentWorld();
    await east.addUsers('anna');
    await west.addUsers('wanda');
    await north.addUsers('nora');
    await west.addPeer(east);
    await west.addPeer(north);
    await north.addPeer(west);
    assert.deepEqual(await north.peerUsers(), ['wanda@1']);
    assert.deepEqual(await west.peerUsers(), ['anna@1', 'nora@2']);
    const { body } = await west.call('<listUsers/>');
    assert.match(body, /userid="wanda"/);
    assert.doesNotMatch(body, /anna|nora/);
    const changes = await west.call('<listChanges after="0"/>');
    assert.match(changes.body, /userid="wanda"/);
    assert.doesNotMatch(changes.body, /anna|nora/);
  });

  it('have nodes, domains, groups, aliases and certificates of each other', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    const set = (haenabled: number): Promise<void> =>
      west.test.ids.transaction('administrator', async (trx) => {
        await trx.updateTable('enterprisesubcluster').set({ haenabled }).execute();
      });
    await west.test.ids.transaction('administrator', async (trx) => {
      const alias = { isprimary: 1, fkprocessnode: 'imp1', originalfkprocessnode: 'imp1' };
      await trx
        .insertInto('tcaliases')
        .values({ peerclusterid: '', tcalias: 'conference.acme.example', ...alias })
        .execute();
    });
    await east.addPeer(west);
    await west.addPeer(east);
    const { read } = east.test.ids;
    const [node] = await read.selectFrom('interclusternode').selectAll().execute();
    assert.ok(node);
    assert.deepEqual(
      [node.name, node.address, node.subcluster, node.haenabled, node.isprimary, node.httpsport, node.sipport],
      ['imp1', '127.0.0.1', 'DefaultCUPSubcluster', 0, 1, west.listener.port, 5060],
    );
    assert.deepEqual([node.siptlsport, node.routerport], [5061, 7400]);
    assert.deepEqual(await read.selectFrom('interclusterdomain').selectAll().execute(), [
      { peerid: 1, domain: 'acme.example', isdefault: 1 },
    ]);
    assert.deepEqual(
      (await read.selectFrom('tcaliases').selectAll().execute()).map(({ peerclusterid, tcalias }) => [
        peerclusterid,
        tcalias,
      ]),
      [['1', 'conference.acme.example']],
    );
    const certificates = await read.selectFrom('interclustercertificate').selectAll().orderBy('kind').execute();
    assert.deepEqual(
      certificates.map(({ kind, node: of }) => [kind, of]),
      [
        ['authority', ''],
        ['node', 'imp1'],
      ],
    );
    assert.equal(certificates[0]?.pem.replaceAll(/\s/g, ''), west.ca.replaceAll(/\s/g, ''));
    await set(1);
    const isEnabled = async (): Promise<boolean> =>
      (await read.selectFrom('interclusternode').select('haenabled').executeTakeFirst())?.haenabled === 1;
    while (!(await isEnabled())) await new Promise((resolve) => setImmediate(resolve));
  });

  it('forget a peer that is removed, with its users', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await west.addUsers('wanda');
    await east.addPeer(west);
    await assert.rejects(east.agent.removePeer('nobody'), { code: 'peer.unknown' });
    assert.equal((await east.agent.removePeer('IMP1')).users, 1);
    assert.deepEqual([await east.peerUsers(), await east.agent.peers()], [[], []]);
    for (const table of ['interclusternode', 'interclusteruser', 'interclustercertificate'] as const) {
      assert.deepEqual(await east.test.ids.read.selectFrom(table).selectAll().execute(), []);
    }
  });

  it('go on after a restart at their place, and keep passwords sealed', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await west.addUsers('wanda');
    await east.addPeer(west);
    await east.stop();
    await assert.rejects(east.agent.peers(), { code: 'peer.stopped' });
    assert.equal((await east.call('<getCluster/>')).status, 404);
    await west.addUsers('wes');
    await east.start();
    await east.untilPeerUsers('wanda@1', 'wes@1');
    const row = await east.test.ids.read.selectFrom('interclusterpeer').selectAll().executeTakeFirstOrThrow();
    assert.doesNotMatch(JSON.stringify(row), /secret"/);
    const outcomes = await east.test.metrics.render();
    assert.match(outcomes, /imp_intercluster_syncs_total\{peer="1",outcome="comparison"\} 1/);
    assert.match(outcomes, /imp_intercluster_syncs_total\{peer="1",outcome="changes"\} 1/);
  });
});

describe('who has a user id', () => {
  it('is a user of this cluster first, then an application user, then the peer that was seen first', async () => {
    await using east = await createAgentWorld();
    await using west = await createAgentWorld();
    await using north = await createAgentWorld({ nodeName: 'north' });
    await west.addUsers('Anna', 'ben', 'robot', 'will');
    await north.addUsers('anna', 'will', 'nora');
    await east.addUsers('ben');
    await east.addApplicationUser('Robot');
    await east.addPeer(west);
    assert.deepEqual(await east.peerUsers(), ['Anna@1', 'will@1']);
    const [first] = await east.agent.peers();
    assert.deepEqual([first?.users, first?.hidden], [4, 2]);
    assert.match(east.alarm('DuplicateUserid')?.message ?? '', /^peer 1: ben not used/);
    assert.match(east.alarm('InterClusterSyncAgentAppUserEndUserConflict')?.message ?? '', /^peer 1: robot not used/);
    await east.clock.advance(1_000);
    await east.addPeer(north);
    assert.deepEqual(await east.peerUsers(), ['Anna@1', 'nora@2', 'will@1']);
    assert.match(east.alarm('DuplicateUserid')?.message ?? '', /peer 2: anna, will not used/);

    // Whoever goes makes room for the next one.
    await west.addPeer(east);
    await north.addPeer(east);
    await west.removeUser('Anna');
    await east.untilPeerUsers('anna@2', 'nora@2', 'will@1');
    await east.removeUser('ben');
    await east.untilPeerUsers('anna@2', 'ben@1', 'nora@2', 'will@1');
    await west.addUsers('NORA');
    await east.untilPeerUsers('NORA@1', 'anna@2', 'ben@1', 'will@1');
    await east.addUsers('nora');
    await east.untilPeerUsers('anna@2', 'ben@1', 'will@1');
    // A user without a licence here is at home there.
    await east.setUser('nora', { enablecups: 0 });
    await east.untilPeerUsers('NORA@1', 'anna@2', 'ben@1', 'will@1');
    await east.agent.removePeer('1');
    assert.deepEqual(await east.peerUsers(), ['anna@2', 'nora@2', 'will@2']);
    assert.equal(east.alarm('DuplicateUserid'), undefined);
    assert.equal(east.alarm('InterClusterSyncAgentAppUserEndUserConflict'), undefined);
  });
});
