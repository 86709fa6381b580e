import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import { addressOfJid, type Jid, jidOf, jidOfAddress } from '../../../xmpp/xmpp.ts';
import type { RouteChange, RouteDatastore, RoutedNode, RoutedUser } from '../../route-datastore/route-datastore.ts';
import type { LocalUser, XcpComponent } from '../components/component.ts';

/** Where an address lives. */
export type SdnsAnswer =
  | { readonly kind: 'server' } // one of our domains itself
  | { readonly kind: 'local'; readonly user: LocalUser }
  | { readonly kind: 'node'; readonly node: RoutedNode; readonly user: LocalUser }
  | {
      readonly kind: 'peer';
      /** `interclusterpeer.id`. */
      readonly cluster: string;
      /** Address of the node there, '' while it is not known; and its name. */
      readonly node: string;
      readonly nodeName: string;
      /** Undefined for a component there. */
      readonly user: LocalUser | undefined;
    }
  | { readonly kind: 'component'; readonly component: XcpComponent }
  | { readonly kind: 'federation'; readonly component: XcpComponent }
  /** Nobody; with `isOurs` a name that is not known at one of our domains, else a domain that we cannot reach. */
  | { readonly kind: 'none'; readonly isOurs: boolean };

/** The look-up before routing: a cache in front of the Route Datastore. */
export interface Sdns {
  /** At once when it is known, else as soon as it is. @throws ImpError kind `unavailable` */
  lookup(jid: Jid): SdnsAnswer | Promise<SdnsAnswer>;
  /** Whether the domain is one that our users have. */
  isOurs(domain: string): boolean;
  readonly domains: readonly string[];
  changed(change: RouteChange): void;
  /** Reads our domains anew. */
  readDomains(): Promise<void>;
}

export interface SdnsNeeds {
  readonly routeDatastore: Pick<RouteDatastore, 'userByAddress' | 'routeOfUser' | 'domains'>;
  readonly components: {
    byDomain(domain: string): XcpComponent | undefined;
    readonly foreign: XcpComponent | undefined;
  };
  readonly clock: Clock;
  /** The presence domain of the system: ours before anything was read. */
  readonly domain: string;
  /** Domains of components of peer clusters. */
  readonly remoteComponents: () => Promise<readonly RemoteComponent[]>;
  /** Localparts of XMPP administrators that CUCM does not know. */
  readonly administrators: ReadonlySet<string>;
  readonly counters: { cacheLookup(): void; databaseLookup(): void; cacheSize(size: number): void };
}

/** A component that a node of a peer cluster has. */
export interface RemoteComponent {
  readonly domain: string;
  /** `interclusterpeer.id`. */
  readonly cluster: string;
  readonly nodeName: string;
}

export interface SdnsLimits {
  readonly cacheSize: number;
  /** How long "there is no such user" is remembered. */
  readonly negativeMs: number;
}

const SERVER: SdnsAnswer = { kind: 'server' };
const STRANGER: SdnsAnswer = { kind: 'none', isOurs: true };
const UNREACHABLE: SdnsAnswer = { kind: 'none', isOurs: false };

interface Kept {
  readonly answer: SdnsAnswer;
  /** Monotonic; infinite for who is there: such answers end by a change only. */
  readonly until: number;
}

export function createSdns(needs: SdnsNeeds, limits: SdnsLimits): Sdns {
  const { routeDatastore, components, clock, counters } = needs;
  const kept = new LRUCache<string, Kept>({ max: limits.cacheSize });
  /** Look-ups under way: a storm on one name is one query. What changes meanwhile is taken out, and not kept. */
  const running = new Map<string, Promise<SdnsAnswer>>();
  let domains = new Set([needs.domain]);
  let remote = new Map<string, SdnsAnswer>();

  const find = async (jid: Jid, local: string): Promise<SdnsAnswer> => {
    counters.databaseLookup();
    const user = await routeDatastore.userByAddress(addressOfJid(jid));
    if (user === undefined || !user.isEnabled) return administrator(jid, local) ?? STRANGER;
    const home = localUser(user, jid);
    const route = await routeDatastore.routeOfUser(user.userid);
    switch (route.kind) {
      case 'here':
        return { kind: 'local', user: home };
      case 'other-node':
        return { kind: 'node', node: route.node, user: home };
      case 'peer-cluster':
        return {
          kind: 'peer',
          cluster: route.user.peerClusterId ?? '',
          node: route.node,
          nodeName: route.peerNode?.name ?? route.user.peerNode ?? '',
          user: home,
        };
      default:
        return STRANGER;
    }
  };

  const administrator = (jid: Jid, local: string): SdnsAnswer | undefined => {
    if (jid.domain !== needs.domain || !needs.administrators.has(local)) return undefined;
    const user = { pkid: `xmpp-administrator:${local}`, userid: local, jid: bare(jid), address: jid.bare };
    return { kind: 'local', user };
  };

  return {
    lookup(jid) {
      const { local, domain, bare: name } = jid;
      const component = components.byDomain(domain);
      if (component !== undefined) return { kind: 'component', component };
      if (!domains.has(domain)) {
        const elsewhere = remote.get(domain);
        if (elsewhere !== undefined) return elsewhere;
        return components.foreign === undefined ? UNREACHABLE : { kind: 'federation', component: components.foreign };
      }
      if (local === null) return SERVER;
      const known = kept.get(name);
      if (known !== undefined && known.until > clock.monotonic()) {
        counters.cacheLookup();
        return known.answer;
      }
      const underWay = running.get(name);
      if (underWay !== undefined) return underWay;
      const own = find(jid, local).then(
        (answer) => {
          // What was found is old already when a change has taken the look-up out meanwhile.
          if (running.get(name) !== own) return answer;
          running.delete(name);
          const until = answer.kind === 'none' ? clock.monotonic() + limits.negativeMs : Number.POSITIVE_INFINITY;
          kept.set(name, { answer, until });
          counters.cacheSize(kept.size);
          return answer;
        },
        (error: unknown) => {
          if (running.get(name) === own) running.delete(name);
          throw error;
        },
      );
      running.set(name, own);
      return own;
    },
    isOurs: (domain) => domains.has(domain),
    get domains() {
      return [...domains];
    },
    changed(change) {
      if (change.kind === 'topology') {
        kept.clear();
        running.clear();
        return;
      }
      for (const address of change.addresses) {
        const name = jidOfAddress(address)?.bare;
        if (name === undefined) continue;
        kept.delete(name);
        running.delete(name);
      }
    },
    async readDomains() {
      const read = await routeDatastore.domains();
      domains = new Set([needs.domain, ...read.map(({ domain }) => domain.toLowerCase())]);
      const others = await needs.remoteComponents();
      remote = new Map(
        others.map(({ domain, cluster, nodeName }) => [
          domain.toLowerCase(),
          { kind: 'peer', cluster, node: '', nodeName, user: undefined },
        ]),
      );
    },
  };
}

function bare({ local, domain }: Jid): Jid {
  return jidOf(local, domain);
}

function localUser(user: RoutedUser, jid: Jid): LocalUser {
  return { pkid: user.pkid, userid: user.userid, jid: bare(jid), address: user.imaddress.toLowerCase() };
}
