import type { Selectable } from 'kysely';
import type { DatastoreDefinition } from '../../datastore/datastore.ts';
import type { StaticRouteRow } from '../../ids/tables/configuration.ts';
import type { InterclusterNodeRow, InterclusterPeerRow } from '../../ids/tables/intercluster.ts';
import type { EnterpriseNodeRow } from '../../ids/tables/topology.ts';
import type { EndUserRow } from '../../ids/tables/users.ts';

/** An assigned or known user, as far as routing needs it. */
export interface RoutedUser {
  /** Key of the user in the IDS. */
  readonly pkid: string;
  readonly userid: string;
  readonly imaddress: string;
  /** Active and enabled for IM and Presence. */
  readonly isEnabled: boolean;
  readonly nodeId: number | null;
  readonly peerClusterId: string | null;
  readonly peerNode: string | null;
}

export interface RoutedNode {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly subclusterId: number;
  /** HA state number; 0 while high availability is off. */
  readonly haState: number;
}

/** A node of a peer cluster. Ports are 0 where they are the well-known ones. */
export interface RoutedPeerNode {
  /** `interclusterpeer.id`. */
  readonly peerId: number;
  readonly name: string;
  readonly address: string;
  /** Name of its presence redundancy group. */
  readonly subcluster: string;
  readonly haState: number;
  /** How the administrator wants SIP to go there; '' as the SIP Proxy's parameter says. */
  readonly sipTransport: 'TCP' | 'UDP' | 'TLS' | '';
  readonly sipPort: number;
  readonly sipTlsPort: number;
  readonly routerPort: number;
}

export interface RoutedDomain {
  readonly domain: string;
  readonly isDefault: boolean;
}

export type StaticRoute = Readonly<Selectable<StaticRouteRow>>;

export type RouteRow =
  | { readonly type: 'user'; readonly user: RoutedUser }
  | { readonly type: 'node'; readonly node: RoutedNode }
  | { readonly type: 'peer-node'; readonly node: RoutedPeerNode }
  | { readonly type: 'domain'; readonly domain: RoutedDomain }
  | { readonly type: 'static'; readonly route: StaticRoute };

export type RouteIndex = 'type' | 'userid' | 'address' | 'subcluster';

export const ROUTE_DEFINITION: DatastoreDefinition<RouteRow, RouteIndex> = {
  name: 'route',
  indexes: {
    // Users are not listed by type: they are many and nobody asks for all of them.
    type: (row) => (row.type === 'user' ? [] : [row.type]),
    userid: (row) => (row.type === 'user' ? [row.user.userid.toLowerCase()] : []),
    address: (row) => (row.type === 'user' ? [row.user.imaddress.toLowerCase()] : []),
    subcluster: (row) => {
      if (row.type === 'node') return [String(row.node.subclusterId)];
      return row.type === 'peer-node' ? [peerSubcluster(row.node)] : [];
    },
  },
};

/** A peer's redundancy group among all others. */
export function peerSubcluster({ peerId, subcluster }: RoutedPeerNode): string {
  return `peer ${peerId} ${subcluster}`;
}

export const keyOf = {
  user: (pkid: string): string => `user\u001f${pkid}`,
  node: (id: number | string): string => `node\u001f${id}`,
  peerNode: (peerId: number | string, name: string): string => `peer-node\u001f${peerId}\u001f${name}`,
  domain: (domain: string): string => `domain\u001f${domain}`,
  static: (pkid: string): string => `static\u001f${pkid}`,
} as const;

export const USER_COLUMNS = [
  'pkid',
  'userid',
  'imaddress',
  'enablecups',
  'status',
  'primarynodeid',
  'peerclusterid',
  'peernode',
  'deletedat',
] as const satisfies readonly (keyof EndUserRow)[];

export function userRow(row: Pick<Selectable<EndUserRow>, (typeof USER_COLUMNS)[number]>): RouteRow & { type: 'user' } {
  return {
    type: 'user',
    user: {
      pkid: row.pkid,
      userid: row.userid,
      imaddress: row.imaddress,
      isEnabled: row.enablecups === 1 && row.status === 1,
      nodeId: row.primarynodeid,
      peerClusterId: row.peerclusterid,
      peerNode: row.peernode,
    },
  };
}

export function nodeRow(row: Selectable<EnterpriseNodeRow>): RouteRow & { type: 'node' } {
  const { id, name, address, subclusterid: subclusterId, tkhaserverstate: haState } = row;
  return { type: 'node', node: { id, name, address, subclusterId, haState } };
}

export function peerNodeRow(
  row: Selectable<InterclusterNodeRow> & Pick<InterclusterPeerRow, 'siptransport'>,
): RouteRow & { type: 'peer-node' } {
  return {
    type: 'peer-node',
    node: {
      peerId: row.peerid,
      name: row.name,
      address: row.address,
      subcluster: row.subcluster,
      haState: row.tkhaserverstate,
      sipTransport: row.siptransport,
      sipPort: row.sipport,
      sipTlsPort: row.siptlsport,
      routerPort: row.routerport,
    },
  };
}
