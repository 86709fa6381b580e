import type { Ids } from '../../../ids/ids.ts';
import { attribute, type XmlElement } from '../../../xml/element.ts';
import { type Attributes, element, join, type Markup, NOTHING, text } from '../../../xml/write.ts';
import { InterclusterFault } from '../errors.ts';
import { ADDRESS_SCHEME } from '../names.ts';
import { derOf, type OwnPorts, readOwnTopology } from './own-cluster.ts';
import type { OwnUser, OwnUsers } from './own-users.ts';

export interface OperationNeeds {
  readonly ids: Ids;
  readonly users: OwnUsers;
  /** Newest number of the change log. */
  readonly sequence: () => Promise<number>;
  readonly self: {
    readonly clusterId: string;
    readonly nodeName: string;
    readonly domain: string;
    readonly version: string;
    readonly ports: () => OwnPorts;
    /** PEM. */
    readonly certificates: () => { readonly authority: string; readonly node: string };
  };
  /** The first sync with CUCM is complete: there is something to tell. */
  readonly isReady: () => boolean;
  readonly onNotified: (clusterId: string, sequence: number) => void;
}

/** The answer's attributes and content. */
export interface Answer {
  readonly attributes?: Attributes;
  readonly content: Markup;
}

export type Operation = (needs: OperationNeeds, payload: XmlElement) => Promise<Answer>;

const USUAL_LIMIT = 1_000;
const MOST_LIMIT = 5_000;

/** Who the cluster is, and its topology. */
const getCluster: Operation = async ({ ids, users, sequence, self }, payload) => {
  const wantsCertificates = flagOf(payload, 'certificates', true);
  // Before all else: what changes while this is read is told of afterwards.
  const at = await sequence();
  const { groups, nodes, domains, aliases } = await readOwnTopology(ids, { name: self.nodeName, ports: self.ports() });
  const publisher = nodes.find(({ isprimary }) => isprimary === 1)?.name ?? self.nodeName;
  const cluster = {
    id: self.clusterId,
    publisher,
    version: self.version,
    domain: domains.find(({ isdefault }) => isdefault === 1)?.domain ?? self.domain,
    addressScheme: ADDRESS_SCHEME,
    sequence: at,
    users: (await users.count()).users,
  };
  const { authority, node } = self.certificates();
  const certificates = wantsCertificates
    ? [
        ...derOf(authority).map((der) => element('i:certificate', { kind: 'authority' }, text(der))),
        ...derOf(node)
          .slice(0, 1)
          .map((der) => element('i:certificate', { kind: 'node', node: self.nodeName }, text(der))),
      ]
    : [];
  return {
    content: join([
      element('i:cluster', cluster),
      ...groups.map(({ name, haenabled }) =>
        element('i:redundancyGroup', { name, highAvailability: haenabled === 1 ? true : undefined }),
      ),
      ...nodes.map((each) =>
        element('i:node', {
          name: each.name,
          address: each.address,
          redundancyGroup: each.group || undefined,
          publisher: each.isprimary === 1 ? true : undefined,
          haState: each.tkhaserverstate || undefined,
          version: each.version || undefined,
          httpsPort: each.ports.https || undefined,
          sipPort: each.ports.sip || undefined,
          sipTlsPort: each.ports.sipTls || undefined,
          routerPort: each.ports.router || undefined,
        }),
      ),
      ...domains.map(({ domain, isdefault }) =>
        element('i:domain', { name: domain, default: isdefault === 1 ? true : undefined }),
      ),
      ...aliases.map((alias) =>
        element('i:alias', {
          name: alias.tcalias,
          primary: alias.isprimary === 1 ? true : undefined,
          node: alias.fkprocessnode || undefined,
          originalNode: alias.originalfkprocessnode || undefined,
        }),
      ),
      ...certificates,
    ]),
  };
};

/** A page of users. */
const listUsers: Operation = async ({ users }, payload) => {
  const limit = limitOf(payload);
  const page = await users.page(attribute(payload, 'after') ?? '', limit);
  const next = page.length < limit ? undefined : page.at(-1)?.pkid;
  return { attributes: { next }, content: join(page.map(writeUser)) };
};

/** What has changed after a place. */
const listChanges: Operation = async ({ users }, payload) => {
  const changes = await users.changes(numberOf(payload, 'after', 0, Number.MAX_SAFE_INTEGER), limitOf(payload));
  const count = await users.count();
  return {
    attributes: {
      through: changes.through,
      more: changes.isMore ? true : undefined,
      topologyChanged: changes.isTopologyChanged ? true : undefined,
      // A number of another moment would make the caller doubt what it has.
      users: count.at === changes.through ? count.users : undefined,
    },
    content: join([...changes.users.map(writeUser), ...changes.removed.map((id) => element('i:removed', { id }))]),
  };
};

/** A peer has something new for us. */
const notifyChange: Operation = async ({ onNotified }, payload) => {
  const cluster = attribute(payload, 'cluster') ?? '';
  if (cluster === '') throw new InterclusterFault('bad-request', 'cluster is missing');
  onNotified(cluster, numberOf(payload, 'sequence', 0, Number.MAX_SAFE_INTEGER));
  return { content: NOTHING };
};

/** By the name of the request's element. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries({ getCluster, listUsers, listChanges, notifyChange }),
);

/** What is empty is left out. */
function writeUser(user: OwnUser): Markup {
  return element('i:user', {
    id: user.pkid,
    userid: user.userid,
    imAddress: user.imaddress,
    node: user.node || undefined,
    directoryUri: user.directoryuri || undefined,
    firstName: user.firstname || undefined,
    lastName: user.lastname || undefined,
    displayName: user.displayname || undefined,
    mail: user.mailid || undefined,
    department: user.department || undefined,
    title: user.title || undefined,
    telephoneNumber: user.telephonenumber || undefined,
    mobileNumber: user.mobilenumber || undefined,
  });
}

function limitOf(payload: XmlElement): number {
  return numberOf(payload, 'limit', 1, MOST_LIMIT, USUAL_LIMIT);
}

/** @throws InterclusterFault `bad-request` */
function numberOf(payload: XmlElement, name: string, least: number, most: number, usual?: number): number {
  const given = attribute(payload, name)?.trim();
  if (given === undefined && usual !== undefined) return usual;
  const value = /^\d{1,16}$/.test(given ?? '') ? Number(given) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new InterclusterFault('bad-request', `${name} is not a number from ${least} to ${most}`);
  }
  return value;
}

function flagOf(payload: XmlElement, name: string, usual: boolean): boolean {
  const given = attribute(payload, name)?.trim();
  if (given === undefined) return usual;
  if (given === 'true' || given === '1') return true;
  if (given === 'false' || given === '0') return false;
  throw new InterclusterFault('bad-request', `${name} is neither true nor false`);
}
