import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRouteTable } from '../../../src/rpc/sip-proxy/static-route.ts';
import type { UserRoute } from '../../../src/services/route-datastore/route-datastore.ts';
import {
  decideRoute,
  type Route,
  type RoutingQuestion,
  type RoutingTables,
} from '../../../src/services/sip-proxy/routing/decide.ts';
import { orderRoutes } from '../../../src/services/sip-proxy/routing/static-order.ts';
import { staticRoute } from '../../rpc/support/proxy-configuration.ts';

const user = {
  ...{ pkid: 'p', userid: 'bob', imaddress: 'bob@acme.example', isEnabled: true },
  ...{ nodeId: 1, peerClusterId: null, peerNode: null },
};
const node = { id: 2, name: 'imp2', address: '10.0.0.2', subclusterId: 1, haState: 0 };
const backup = { ...node, id: 3, name: 'imp3', address: '10.0.0.3' };
const here: UserRoute = { kind: 'here', user, backup: null };
const elsewhere: UserRoute = { kind: 'other-node', user, node, backup: null };
const peerNode = {
  ...{ peerId: 1, name: 'east1', address: '10.1.0.1', subcluster: 'g', haState: 0 },
  ...{ sipTransport: 'TLS' as const, sipPort: 0, sipTlsPort: 5061, routerPort: 0 },
};
const peer: UserRoute = {
  ...{ kind: 'peer-cluster', user, node: '10.1.0.1' },
  ...{ peerNode, backup: { ...peerNode, name: 'east2', address: '10.1.0.2' } },
};
const strangePeer: UserRoute = { ...peer, node: 'imp.east.example', peerNode: null, backup: null };

const question: RoutingQuestion = {
  ...{
    isAdmitted: true,
    isTrusted: false,
    method: 'MESSAGE',
    event: '',
    user: 'bob',
    host: 'acme.example',
    isOurs: true,
  },
  userRoute: here,
};
const tables: RoutingTables = {
  staticRoutes: createRouteTable([]),
  methodEventRoutes: [],
  otherNodes: new Map([['imp2', '10.0.0.2']]),
  federatedDomains: new Map(
    (['allow', 'block'] as const).map((policy) => [
      `${policy}.example`,
      { domain: `${policy}.example`, policy, protocol: 'SIP' as const },
    ]),
  ),
  cucmDomain: 'cucm.example',
};
const withRoute = (given: Parameters<typeof staticRoute>[0]): Partial<RoutingTables> => ({
  staticRoutes: createRouteTable([staticRoute({ pattern: 'bob', ...given })]),
});
const cti = (method: string, event: string): Partial<RoutingTables> => ({
  methodEventRoutes: [{ method, event, listener: 'CTI' }],
});

/** `local`, `403 Forbidden`, `node 10.0.0.2` … */
function told(route: Route): string {
  if (route.kind === 'refuse') return `${route.status} ${route.reason}`;
  if (route.kind === 'listener') return `listener ${route.listener}`;
  if (route.kind === 'node') return `node ${route.addresses.join(' ')}`;
  if (route.kind !== 'peer') return route.kind;
  return ['peer', ...route.nodes.map(({ address, tlsPort, transport }) => `${address}:${tlsPort}${transport}`)].join(
    ' ',
  );
}

const ROWS: readonly (readonly [string, Partial<RoutingQuestion>, Partial<RoutingTables>, string])[] = [
  ['a sender that is not admitted, before all else', { isAdmitted: false }, cti('*', '*'), '403 Forbidden'],
  ['method and event before the user', {}, cti('MESSAGE', ''), 'listener CTI'],
  ['… not for a user of another node', { userRoute: elsewhere }, cti('MESSAGE', ''), 'node 10.0.0.2'],
  ['… not for another event', { method: 'SUBSCRIBE', event: 'presence' }, cti('SUBSCRIBE', 'x'), 'presence-engine'],
  ['… any method', { event: 'x' }, cti('*', 'x'), 'listener CTI'],
  ['a user of this node', {}, {}, 'local'],
  ['… before a static route', {}, withRoute({}), 'local'],
  ['… who is not enabled', { userRoute: { ...here, user: { ...user, isEnabled: false } } }, {}, '404 Not Found'],
  ['presence', { method: 'SUBSCRIBE', event: 'presence' }, {}, 'presence-engine'],
  ['its publication', { method: 'PUBLISH', event: 'presence' }, {}, 'presence-engine'],
  ["CUCM's for a user", { isTrusted: true, method: 'PUBLISH', event: 'dialog' }, {}, 'presence-engine'],
  [
    '… for a line, before a static route',
    { isTrusted: true, method: 'PUBLISH', event: 'presence', userRoute: { kind: 'unknown' } },
    withRoute({}),
    'presence-engine',
  ],
  [
    '… for a user of another node',
    { isTrusted: true, method: 'PUBLISH', event: 'dialog', userRoute: elsewhere },
    {},
    'node 10.0.0.2',
  ],
  ['… of something else', { isTrusted: true, method: 'PUBLISH', event: 'weather' }, {}, '489 Bad Event'],
  [
    'a publication for nobody',
    { method: 'PUBLISH', event: 'presence', userRoute: { kind: 'unknown' } },
    {},
    '404 Not Found',
  ],
  ['another publication', { method: 'PUBLISH', event: 'weather' }, {}, '489 Bad Event'],
  ['a subscription to nothing', { method: 'SUBSCRIBE' }, {}, '489 Bad Event'],
  ['another subscription', { method: 'SUBSCRIBE', event: 'dialog' }, {}, 'local'],
  ['a static route before another node', { userRoute: elsewhere }, withRoute({}), 'static'],
  ['… that blocks', { userRoute: elsewhere }, withRoute({ block: true }), '403 Route Blocked'],
  ['… that is out of service', { userRoute: elsewhere }, withRoute({ inService: false }), 'node 10.0.0.2'],
  ['a user of another node', { userRoute: elsewhere }, {}, 'node 10.0.0.2'],
  ['… and of its backup', { userRoute: { ...elsewhere, backup } }, {}, 'node 10.0.0.2 10.0.0.3'],
  ['another node by name', { host: 'imp2', isOurs: false, userRoute: undefined }, {}, 'node 10.0.0.2'],
  ['a user of a peer cluster', { userRoute: peer }, {}, 'peer 10.1.0.1:5061TLS 10.1.0.2:5061TLS'],
  ['… whose nodes are not known', { userRoute: strangePeer }, {}, 'peer imp.east.example:0'],
  ['a user of no node', { userRoute: { kind: 'unassigned', user } }, {}, '404 Not Found'],
  ['nobody', { userRoute: { kind: 'unknown' } }, {}, '404 Not Found'],
  ['no user', { user: '', userRoute: undefined }, {}, '404 Not Found'],
  ['CUCM', { host: 'cucm.example', isOurs: false, userRoute: undefined }, {}, 'domain'],
  ['a federated domain', { host: 'allow.example', isOurs: false, userRoute: undefined }, {}, 'domain'],
  ['… that is blocked', { host: 'block.example', isOurs: false, userRoute: undefined }, {}, '403 Domain Blocked'],
  ['another domain', { host: 'x.example', isOurs: false, userRoute: undefined }, {}, '404 Not Found'],
];

describe('the order of routing', () => {
  for (const [name, asked, given, expected] of ROWS) {
    it(`${name}: ${expected}`, () => {
      assert.equal(told(decideRoute({ ...question, ...asked }, { ...tables, ...given })), expected);
    });
  }

  it('takes the most specific of several rows of method and event', () => {
    const methodEventRoutes = [
      { method: '*', event: '*', listener: 'any' },
      { method: '*', event: 'x', listener: 'event' },
      { method: 'INFO', event: '*', listener: 'method' },
      { method: 'INFO', event: 'x', listener: 'both' },
    ];
    const route = (method: string, event: string): string =>
      told(decideRoute({ ...question, method, event }, { ...tables, methodEventRoutes }));
    assert.deepEqual(
      [route('INFO', 'x'), route('INFO', 'y'), route('MESSAGE', 'x'), route('MESSAGE', '')],
      ['listener both', 'listener method', 'listener event', 'listener any'],
    );
  });

  it('shares by weight among routes of one priority', () => {
    const [light, heavy, last] = [
      staticRoute({ nextHop: 'light', weight: 1 }),
      staticRoute({ nextHop: 'heavy', weight: 3 }),
      staticRoute({ nextHop: 'last', priority: 2 }),
    ];
    const firsts = [0, 0.24, 0.25, 0.5, 0.99].map((random) =>
      orderRoutes([[light, heavy], [last]], () => random)
        .map(({ nextHop }) => nextHop)
        .join(' '),
    );
    assert.deepEqual(firsts, ['light heavy last', 'light heavy last', ...Array(3).fill('heavy light last')]);
  });
});
