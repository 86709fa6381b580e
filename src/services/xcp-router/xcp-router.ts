import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { STANDING_PUBLICATION } from '../../presence/publication.ts';
import { type Jid, type ServerStreamOwner, StreamError, unescapeLocal } from '../../xmpp/xmpp.ts';
import type { PresenceChange, PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import type { XcpAttachment, XcpComponent, XcpExtension } from './components/component.ts';
import { createComponentRegistry } from './components/registry.ts';
import { createRouterCounters } from './counters.ts';
import { PEER_TABLES } from './links/peers.ts';
import { type OpenRouterLinks, openRouterLinks, type RouterLinks } from './links/router-links.ts';
import { type XcpRouterOptions, xcpRouterOptions } from './options.ts';
import { createRosterFeed, ROSTER_TABLES } from './roster/roster-feed.ts';
import { createRouterCore, type RouterCore } from './router-core.ts';
import type { SdnsAnswer } from './sdns/sdns.ts';
import { createMovedUsers } from './sessions/moved-users.ts';

export type {
  IqHandler,
  IqRequest,
  IqTarget,
  LocalUser,
  SeenMessage,
  SessionEvent,
  XcpAttachment,
  XcpComponent,
  XcpExtension,
} from './components/component.ts';
export type { XcpRouterOptions } from './options.ts';
export type { SdnsAnswer } from './sdns/sdns.ts';

export const xcpRouterDescriptor: ServiceDescriptor<XcpRouterOptions> = {
  name: 'xcp-router',
  title: 'Cisco XCP Router',
  purpose:
    'Routes XMPP between users, XCP services, nodes and clusters, and manages the sessions of users; SDNS tells it where an address lives.',
  kind: 'network',
  isXcp: true,
  dependsOn: ['route-datastore', 'presence-datastore'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'RFC 6121', status: 'partial' },
    { spec: 'XEP-0198', status: 'complete' },
    { spec: 'XEP-0280', status: 'complete' },
  ],
  options: xcpRouterOptions,
};

/** What other XCP services reach of the router: by `import type`, handed to them by the node. */
export interface XcpRouter {
  /**
   * Takes over the domains of a component. It may attach before the router runs, and stays attached over its restarts.
   * @throws ImpError `xcp-router.domain-taken`
   */
  attach(component: XcpComponent): XcpAttachment;
  /** Adds requests, features and hooks to the router itself; disposing takes them away. */
  extend(extension: XcpExtension): Disposable;
  /** Where an address lives. @throws ImpError kind `unavailable` while the router or the Route Datastore is stopped */
  lookup(jid: Jid): Promise<SdnsAnswer>;
  /** What to do with a client's stream, but for the sign-in: for Connection Managers. @throws as `lookup` */
  readonly clients: Omit<ServerStreamOwner, 'sasl'>;
  /** Whether streams may be opened to the domain. */
  hosts(domain: string): boolean;
  /** The router has more before it than it should: whoever reads from clients stops while it is. */
  readonly isBehind: boolean;
  /** Hears each change of `isBehind`; goes on over restarts of the router. */
  onPressure(listener: (isBehind: boolean) => void): Disposable;
  readonly isRunning: boolean;
  /** Whether the address is of one of the XMPP administrators that the configuration names. */
  isAdministrator(jid: Jid): boolean;
  /** Where other routers connect; undefined while nothing is listened for. */
  linkPort(): number | undefined;
  /** New key and certificate for links to come. */
  renewTls(tls: TlsMaterial): void;
}

export interface XcpRouterNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly routeDatastore: RouteDatastore;
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** The presence domain of the system. */
  readonly domain: string;
  /** What `jabber:iq:version` says. */
  readonly version: string;
  /** Links with routers of other nodes and clusters. `port` 0 picks a free one. */
  readonly links: {
    readonly nodeName: string;
    readonly host: string;
    readonly port: number;
    /** Own certificate, and the authority that has signed it. */
    readonly tls: () => { readonly node: TlsMaterial; readonly ca: string };
  };
}

const SERVICE = 'xcp-router';

export function createXcpRouter(needs: XcpRouterNeeds, options: XcpRouterOptions): Service & XcpRouter {
  const log = needs.log.child({ subsystem: SERVICE });
  const counters = createRouterCounters(needs.metrics);
  const components = createComponentRegistry();
  const pressed = new Set<(isBehind: boolean) => void>();
  let core: RouterCore | undefined;
  let router: OpenRouterLinks | undefined;
  let linkPort = needs.links.port;

  const running = (): RouterCore => {
    if (!core) throw new ImpError('unavailable', 'xcp-router.stopped', 'the XCP Router is not running');
    return core;
  };

  const clients: XcpRouter['clients'] = {
    sessionFeatures: (stream) => running().streams.sessionFeatures(stream),
    bind: async (user, resource, stream) => await running().streams.bind(user, resource, stream),
    resume: async (user, session, stream) => {
      const { streams } = running();
      if (streams.resume === undefined) throw new ImpError('unavailable', 'xcp-router.stopped', 'nothing to resume');
      return await streams.resume(user, session, stream);
    },
    established: (jid, isResumed, stream) => running().streams.established(jid, isResumed, stream),
    stanza: (element, stream) => running().streams.stanza(element, stream),
    management: (said, stream) => running().streams.management(said, stream),
    clientState: (isActive, stream) => running().streams.clientState?.(isActive, stream),
    // A stream may outlive the router by a moment.
    closed: (end, stream) => core?.streams.closed(end, stream),
  };

  const presenceChanged = async (life: RouterCore, change: PresenceChange): Promise<void> => {
    try {
      await life.composed.presenceChanged(change);
    } catch (error) {
      // A store is away; what it says when it is back is told then.
      log.warn({ err: describeError(error) }, 'the composed presence of a user could not be told');
    }
  };

  return {
    attach(component) {
      const attachment = components.attach(component);
      return {
        send: async (element) => await running().fromComponent(component, element),
        [Symbol.dispose]: () => attachment[Symbol.dispose](),
      };
    },
    extend: (extension) => components.extend(extension),
    lookup: async (jid) => await running().sdns.lookup(jid),
    clients,
    hosts: (domain) => core?.sdns.isOurs(domain) ?? false,
    get isBehind() {
      return core?.pressure.isHigh ?? false;
    },
    onPressure(listener) {
      const own = (isBehind: boolean): void => listener(isBehind);
      pressed.add(own);
      return { [Symbol.dispose]: () => void pressed.delete(own) };
    },
    get isRunning() {
      return core !== undefined;
    },
    isAdministrator: ({ local, domain }) =>
      domain === needs.domain &&
      options.administrators.some((name) => name.toLowerCase() === unescapeLocal(local ?? '').toLowerCase()),
    linkPort: () => router?.port,
    renewTls: (tls) => router?.renewTls(tls),

    async start(scope) {
      let opened: OpenRouterLinks | undefined;
      const links: RouterLinks = { send: async (key, stanza) => (await opened?.send(key, stanza)) ?? false };
      const life = createRouterCore({ ...needs, log, counters, components, links }, options);
      scope.defer(() => {
        core = undefined;
        life.close();
      });
      scope.defer(() => life.streams.endAll(new StreamError('system-shutdown', 'the router is stopping')));
      const pressure = life.pressure.onChange((isBehind) => {
        for (const listener of pressed) listener(isBehind);
      });
      scope.defer(() => pressure[Symbol.dispose]());
      await life.sdns.readDomains();
      const moved = createMovedUsers({ ...life, log });
      const changes = needs.routeDatastore.onChange((change) => {
        life.sdns.changed(change);
        if (change.kind === 'topology' || life.accounts.size > 0) scope.run(() => moved.changed(change));
      });
      scope.defer(() => changes[Symbol.dispose]());
      const said = needs.presenceDatastore.watch((change) => scope.run(() => presenceChanged(life, change)));
      scope.defer(() => said[Symbol.dispose]());
      scope.every(STANDING_PUBLICATION.repeatMs, () => life.publisher.renew());
      opened = await openRouterLinks({
        ...needs,
        ...needs.links,
        log,
        port: linkPort,
        pressure: life.pressure,
        received: life.fromLink,
        lost: life.lost,
      });
      router = opened;
      const between = opened;
      // A free port that was picked once is kept: others know it.
      linkPort = opened.port ?? linkPort;
      scope.defer(async () => {
        router = undefined;
        await between[Symbol.asyncDispose]();
      });
      scope.run(
        async (signal) =>
          await needs.changeFeed.follow(
            { consumer: `${SERVICE}-links`, tables: [...PEER_TABLES, 'tcaliases'], start: 'snapshot', signal },
            async () => {
              await life.sdns.readDomains();
              await between.readPeers();
              return between.detail();
            },
          ),
      );
      const feed = createRosterFeed({ db: needs.ids.read, ...life });
      scope.run(
        async (signal) =>
          await needs.changeFeed.follow(
            { consumer: SERVICE, tables: ROSTER_TABLES, start: 'snapshot', signal },
            feed.apply,
          ),
      );
      core = life;
    },
    detail() {
      if (core === undefined) return 'closed';
      const { size } = core.accounts;
      const attached = components.components.map(({ name }) => name);
      const served = `serves ${size} ${size === 1 ? 'user' : 'users'} of ${core.sdns.domains.join(', ')}`;
      const linked = router?.detail() ?? '';
      return [
        served,
        ...(attached.length === 0 ? [] : [`attached: ${attached.join(', ')}`]),
        ...(linked === '' ? [] : [linked]),
      ].join('; ');
    },
  };
}
