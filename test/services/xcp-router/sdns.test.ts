import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RoutedUser, UserRoute } from '../../../src/services/route-datastore/route-datastore.ts';
import { createComponentRegistry } from '../../../src/services/xcp-router/components/registry.ts';
import { createSdns, type SdnsAnswer } from '../../../src/services/xcp-router/sdns/sdns.ts';
import { parseJid } from '../../../src/xmpp/xmpp.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const NODE = { id: 2, name: 'imp2', address: 'imp2.acme.example', subclusterId: 1, haState: 0 };

function user(userid: string, parts: Partial<RoutedUser> = {}): RoutedUser {
  const imaddress = `${userid}@acme.example`;
  const place = { nodeId: 1, peerClusterId: null, peerNode: null };
  return { pkid: `pkid-${userid}`, userid, imaddress, isEnabled: true, ...place, ...parts };
}

function openSdns() {
  const clock = new FakeClock();
  const components = createComponentRegistry();
  const routes = new Map<string, UserRoute>();
  const asked: string[] = [];
  const counts = { cache: 0, database: 0, size: 0 };
  let answering: Promise<void> = Promise.resolve();
  const sdns = createSdns(
    {
      routeDatastore: {
        async userByAddress(address) {
          asked.push(address);
          const route = routes.get(address);
          await answering;
          return route === undefined || route.kind === 'unknown' ? undefined : route.user;
        },
        routeOfUser: async (userid) => routes.get(`${userid}@acme.example`) ?? { kind: 'unknown' },
        domains: async () => [{ domain: 'acme.example', isDefault: true }],
      },
      components,
      clock,
      domain: 'acme.example',
      remoteComponents: async () => [{ domain: 'conference.east.example', cluster: '1', nodeName: 'imp1' }],
      administrators: new Set(['admin']),
      counters: {
        cacheLookup() {
          counts.cache += 1;
        },
        databaseLookup() {
          counts.database += 1;
        },
        cacheSize(size) {
          counts.size = size;
        },
      },
    },
    { cacheSize: 100, negativeMs: 30_000 },
  );
  const kindOf = async (address: string): Promise<SdnsAnswer['kind']> => (await sdns.lookup(parseJid(address))).kind;
  return {
    ...{ clock, components, routes, asked, counts, sdns, kindOf },
    hold() {
      let letGo: () => void = () => undefined;
      answering = new Promise((resolve) => {
        letGo = resolve;
      });
      return () => letGo();
    },
  };
}

describe('SDNS', () => {
  it('says where an address lives', async () => {
    const { routes, components, sdns, kindOf } = openSdns();
    routes.set('alice@acme.example', { kind: 'here', user: user('alice'), backup: null });
    routes.set('olga@acme.example', { kind: 'other-node', user: user('olga'), node: NODE, backup: null });
    routes.set('paul@acme.example', {
      kind: 'peer-cluster',
      user: user('paul', { peerClusterId: 'east', peerNode: 'imp.east.example' }),
      node: 'imp.east.example',
      peerNode: null,
      backup: null,
    });
    routes.set('walter@acme.example', { kind: 'unassigned', user: user('walter', { nodeId: null }) });
    routes.set('mallory@acme.example', { kind: 'here', user: user('mallory', { isEnabled: false }), backup: null });
    using _rooms = components.attach({
      name: 'rooms',
      domains: ['conference.acme.example'],
      deliver: () => undefined,
    });
    assert.equal(await kindOf('alice@acme.example/desk'), 'local');
    assert.equal(await kindOf('olga@acme.example'), 'node');
    assert.equal(await kindOf('paul@acme.example'), 'peer');
    assert.equal(await kindOf('walter@acme.example'), 'none');
    assert.equal(await kindOf('mallory@acme.example'), 'none');
    assert.equal(await kindOf('nobody@acme.example'), 'none');
    assert.equal(await kindOf('admin@acme.example'), 'local');
    assert.equal(await kindOf('acme.example'), 'server');
    assert.equal(await kindOf('room@conference.acme.example/nick'), 'component');
    assert.equal(await kindOf('x@elsewhere.example'), 'none');
    await sdns.readDomains();
    assert.equal(await kindOf('room@conference.east.example'), 'peer');
    using _federation = components.attach({
      name: 'federation',
      domains: [],
      takesForeignDomains: true,
      deliver: () => undefined,
    });
    assert.equal(await kindOf('x@elsewhere.example'), 'federation');
  });

  it('asks once for a name, however many want to know', async () => {
    const { routes, asked, counts, sdns, hold } = openSdns();
    routes.set('alice@acme.example', { kind: 'here', user: user('alice'), backup: null });
    const letGo = hold();
    const all = Promise.all(Array.from({ length: 50 }, () => sdns.lookup(parseJid('alice@acme.example'))));
    letGo();
    assert.deepEqual(new Set((await all).map(({ kind }) => kind)), new Set(['local']));
    assert.equal(asked.length, 1);
    await sdns.lookup(parseJid('alice@acme.example'));
    assert.deepEqual(counts, { cache: 1, database: 1, size: 1 });
  });

  it('forgets what has changed, also while it is being looked for, and never by time alone', async () => {
    const { routes, asked, clock, sdns, kindOf, hold } = openSdns();
    routes.set('alice@acme.example', { kind: 'here', user: user('alice'), backup: null });
    assert.equal(await kindOf('alice@acme.example'), 'local');
    await clock.advance(24 * 60 * 60_000);
    assert.equal(await kindOf('alice@acme.example'), 'local');
    assert.equal(asked.length, 1);

    routes.set('alice@acme.example', { kind: 'other-node', user: user('alice'), node: NODE, backup: null });
    sdns.changed({ kind: 'addresses', addresses: ['alice@acme.example'] });
    const letGo = hold();
    const under = kindOf('alice@acme.example');
    routes.set('alice@acme.example', { kind: 'here', user: user('alice'), backup: null });
    sdns.changed({ kind: 'addresses', addresses: ['alice@acme.example'] });
    letGo();
    await under;
    assert.equal(await kindOf('alice@acme.example'), 'local');
    assert.equal(asked.length, 3, 'what was found under way was not kept');
    sdns.changed({ kind: 'topology' });
    await kindOf('alice@acme.example');
    assert.equal(asked.length, 4);
  });

  it('remembers for 30 s that there is no such user, and no longer once there is', async () => {
    const { routes, asked, clock, sdns, kindOf } = openSdns();
    assert.equal(await kindOf('new@acme.example'), 'none');
    assert.equal(await kindOf('new@acme.example'), 'none');
    assert.equal(asked.length, 1);
    await clock.advance(30_001);
    assert.equal(await kindOf('new@acme.example'), 'none');
    assert.equal(asked.length, 2);
    routes.set('new@acme.example', { kind: 'here', user: user('new'), backup: null });
    sdns.changed({ kind: 'addresses', addresses: ['new@acme.example'] });
    assert.equal(await kindOf('new@acme.example'), 'local');
  });
});
