import { z } from 'zod';
import type { Datastore, DatastoreEngine, DatastoreEvent } from '../../datastore/datastore.ts';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { createFiller, ROUTE_TABLES } from './fill.ts';
import {
  keyOf,
  peerSubcluster,
  ROUTE_DEFINITION,
  type RoutedDomain,
  type RoutedNode,
  type RoutedPeerNode,
  type RoutedUser,
  type RouteIndex,
  type RouteRow,
  type StaticRoute,
  USER_COLUMNS,
  userRow,
} from './route-rows.ts';

export type { RoutedDomain, RoutedNode, RoutedPeerNode, RoutedUser, StaticRoute } from './route-rows.ts';

const optionsSchema = z.strictObject({
  negativeSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe('Seconds that "there is no such user" is remembered.'),
});

export type RouteDatastoreOptions = z.infer<typeof optionsSchema>;

export const routeDatastoreDescriptor: ServiceDescriptor<RouteDatastoreOptions> = {
  name: 'route-datastore',
  title: 'Cisco Route Datastore',
  purpose:
    'A real-time database that caches route information and assigned users for the SIP Proxy and the Client Profile Agent.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

/** Where a user is served. `node` and `backup` are nodes of this cluster. */
export type UserRoute =
  | { readonly kind: 'here'; readonly user: RoutedUser; readonly backup: RoutedNode | null }
  | {
      readonly kind: 'other-node';
      readonly user: RoutedUser;
      readonly node: RoutedNode;
      readonly backup: RoutedNode | null;
    }
  | {
      readonly kind: 'peer-cluster';
      readonly user: RoutedUser;
      /** Host name or address of the node that serves the user there; '' while there is none. */
      readonly node: string;
      /** The same with its ports; null while the peer's topology does not name it. */
      readonly peerNode: RoutedPeerNode | null;
      readonly backup: RoutedPeerNode | null;
    }
  | { readonly kind: 'unassigned'; readonly user: RoutedUser }
  | { readonly kind: 'unknown' };

/** Routes and assigned users. Every call rejects with kind `unavailable` while the service is stopped. */
export interface RouteDatastore {
  /** By user id, in any case. */
  routeOfUser(userid: string): Promise<UserRoute>;
  /** By instant messaging address (`user@domain`), in any case. */
  userByAddress(address: string): Promise<RoutedUser | undefined>;
  nodes(): Promise<readonly RoutedNode[]>;
  /** Nodes of all peer clusters. */
  peerNodes(): Promise<readonly RoutedPeerNode[]>;
  domains(): Promise<readonly RoutedDomain[]>;
  staticRoutes(): Promise<readonly StaticRoute[]>;
  /** Hears of every change once it is in force; goes on over restarts of the service. */
  onChange(listener: (change: RouteChange) => void): Disposable;
}

/** What may be another answer from now on: that about some addresses (in lower case), or about everybody's. */
export type RouteChange =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'topology' };

export interface RouteDatastoreNeeds {
  readonly engine: DatastoreEngine;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly log: Log;
  /** Name of this node in `enterprisenode`. */
  readonly nodeName: string;
}

/** HA states of a node whose users its peer serves: Idle, Failed Over with and without its critical services. */
const SERVED_BY_PEER: ReadonlySet<number> = new Set([2, 8, 9]);
/** Running in Backup Mode: serves its own and the peer's users. */
const BACKUP_ACTIVATED = 4;
const MAX_NEGATIVE_ROWS = 10_000;

/** Whether the users of `home` are served by its partner. */
function isServedBy(partner: { readonly haState: number }, home: { readonly haState: number }): boolean {
  return partner.haState === BACKUP_ACTIVATED || SERVED_BY_PEER.has(home.haState);
}

interface Stores {
  readonly routes: Datastore<RouteRow, RouteIndex>;
  /** User ids that nobody has, until they expire. */
  readonly negative: Datastore<true>;
}

export function createRouteDatastore(
  needs: RouteDatastoreNeeds,
  options: RouteDatastoreOptions,
): Service & RouteDatastore {
  const listeners = new Set<(change: RouteChange) => void>();
  let stores: Stores | undefined;
  let filled = '';

  const open = (): Stores => {
    if (!stores) throw new ImpError('unavailable', 'route-datastore.stopped', 'the Route Datastore is not running');
    return stores;
  };

  const nodeById = async (id: number): Promise<RoutedNode | undefined> => {
    const row = await open().routes.get(keyOf.node(id));
    return row?.type === 'node' ? row.node : undefined;
  };

  const partnerOf = async (node: RoutedNode): Promise<RoutedNode | null> => {
    for (const { value } of await open().routes.query('subcluster', String(node.subclusterId))) {
      if (value.type === 'node' && value.node.id !== node.id) return value.node;
    }
    return null;
  };

  /** Ours before a peer cluster's, but for one who is not enabled here: such a user may be at home there. */
  const pick = (rows: readonly { readonly value: RouteRow }[]): RoutedUser | undefined => {
    const users = rows.flatMap(({ value }) => (value.type === 'user' ? [value.user] : []));
    const ours = users.filter(({ peerClusterId }) => peerClusterId === null);
    return ours.find(({ isEnabled }) => isEnabled) ?? users.find((user) => !ours.includes(user)) ?? ours[0];
  };

  const peerRoute = async (user: RoutedUser): Promise<UserRoute> => {
    const { routes } = open();
    const name = user.peerNode ?? '';
    const row = await routes.get(keyOf.peerNode(user.peerClusterId ?? '', name));
    if (row?.type !== 'peer-node') return { kind: 'peer-cluster', user, node: name, peerNode: null, backup: null };
    const home = row.node;
    const group = await routes.query('subcluster', peerSubcluster(home));
    const partner = group
      .flatMap(({ value }) => (value.type === 'peer-node' && value.node.name !== home.name ? [value.node] : []))
      .at(0);
    const isMoved = partner !== undefined && isServedBy(partner, home);
    const serving = isMoved ? partner : home;
    return {
      kind: 'peer-cluster',
      user,
      node: serving.address,
      peerNode: serving,
      backup: (isMoved ? home : partner) ?? null,
    };
  };

  const findUser = async (userid: string): Promise<RoutedUser | undefined> => {
    const { routes, negative } = open();
    const wanted = userid.toLowerCase();
    const known = pick(await routes.query('userid', wanted));
    if (known) return known;
    if (await negative.get(wanted)) return undefined;
    // Not in the cache: the user may be newer than what the change feed has brought.
    const rows = await needs.ids.read
      .selectFrom('enduser')
      .select(USER_COLUMNS)
      .where((eb) => eb(eb.fn<string>('lower', ['userid']), '=', wanted))
      .where('deletedat', 'is', null)
      .execute();
    const read = pick(rows.map((row) => ({ value: userRow(row) })));
    if (!read && (await negative.size()) < MAX_NEGATIVE_ROWS) {
      await negative.put(wanted, true, options.negativeSeconds * 1_000);
    }
    return read;
  };

  const routeOf = async (user: RoutedUser): Promise<UserRoute> => {
    if (user.peerClusterId !== null) return await peerRoute(user);
    const home = user.nodeId === null ? undefined : await nodeById(user.nodeId);
    if (!home) return { kind: 'unassigned', user };
    const partner = await partnerOf(home);
    const isMoved = partner !== null && isServedBy(partner, home);
    const node = isMoved ? partner : home;
    const backup = isMoved ? home : partner;
    return node.name === needs.nodeName ? { kind: 'here', user, backup } : { kind: 'other-node', user, node, backup };
  };

  const rowsOfType = async <T extends RouteRow['type']>(
    type: T,
  ): Promise<readonly Extract<RouteRow, { type: T }>[]> => {
    const found: Extract<RouteRow, { type: T }>[] = [];
    for (const { value } of await open().routes.query('type', type)) {
      if (value.type === type) found.push(value as Extract<RouteRow, { type: T }>);
    }
    return found;
  };

  const tell = (event: DatastoreEvent<RouteRow>): void => {
    const rows = event.kind === 'put' ? [event.value, event.previous] : [event.previous];
    const addresses = rows.flatMap((row) => (row?.type === 'user' ? [row.user.imaddress.toLowerCase()] : []));
    const change: RouteChange = addresses.length > 0 ? { kind: 'addresses', addresses } : { kind: 'topology' };
    for (const listener of listeners) listener(change);
  };

  return {
    async routeOfUser(userid) {
      const user = await findUser(userid);
      return user ? await routeOf(user) : { kind: 'unknown' };
    },
    userByAddress: async (address) => pick(await open().routes.query('address', address.toLowerCase())),
    nodes: async () => (await rowsOfType('node')).map(({ node }) => node),
    peerNodes: async () => (await rowsOfType('peer-node')).map(({ node }) => node),
    domains: async () => (await rowsOfType('domain')).map(({ domain }) => domain),
    staticRoutes: async () => (await rowsOfType('static')).map(({ route }) => route),
    onChange(listener) {
      // A function of its own per listener: the same one may listen twice.
      const own = (change: RouteChange): void => listener(change);
      listeners.add(own);
      return { [Symbol.dispose]: () => void listeners.delete(own) };
    },

    async start(scope) {
      const routes = needs.engine.open(ROUTE_DEFINITION);
      const negative = needs.engine.open<true>({ name: 'route-negative', indexes: {}, maxRows: MAX_NEGATIVE_ROWS });
      const forgetNegative = routes.watch((event) => {
        if (event.kind === 'put' && event.value.type === 'user')
          void negative.delete(event.value.user.userid.toLowerCase());
        tell(event);
      });
      scope.defer(() => forgetNegative[Symbol.dispose]());
      const filler = createFiller(needs.ids, routes);
      await new Promise<void>((resolve, reject) => {
        scope.run(async (signal) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          let isReady = false;
          try {
            await needs.changeFeed.follow(
              { consumer: 'route-datastore', tables: ROUTE_TABLES, start: 'snapshot', signal },
              async (batch) => {
                const note = await filler.apply(batch);
                filled = batch.kind === 'snapshot' ? note : filled;
                // Ready when it has read everything once.
                isReady = true;
                resolve();
                return note;
              },
            );
          } catch (error) {
            if (isReady) throw error;
            reject(error);
          }
        });
      });
      stores = { routes, negative };
      scope.defer(() => {
        stores = undefined;
      });
    },
    detail: () => (stores ? `${filled} from the IDS, follows its changes` : 'closed'),
  };
}
