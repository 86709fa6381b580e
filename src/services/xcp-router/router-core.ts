import { randomUUID } from 'node:crypto';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { XmlElement } from '../../xml/element.ts';
import { parseXml } from '../../xml/parse.ts';
import {
  addressed,
  errorReply,
  escapeLocal,
  type Iq,
  type Jid,
  type Message,
  NS,
  readStanza,
  type Stanza,
  StanzaError,
  toStanzaError,
} from '../../xmpp/xmpp.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import type { IqRequest, XcpAttachment, XcpComponent } from './components/component.ts';
import { type ComponentRegistry, isOf } from './components/registry.ts';
import type { RouterCounters } from './counters.ts';
import { answerIq } from './iq/answer-iq.ts';
import { BASIC_FEATURES, basicRequests } from './iq/basics.ts';
import { createBlocking } from './iq/blocking.ts';
import { carbonRequests } from './iq/carbons.ts';
import { discoveryRequests } from './iq/discovery.ts';
import { createLastActivity } from './iq/last-activity.ts';
import { privateStorageRequests } from './iq/private-storage.ts';
import { vcardRequests } from './iq/vcard.ts';
import type { RouterPeer } from './links/peers.ts';
import type { RouterLinks } from './links/router-links.ts';
import { createOfflineMessages } from './offline/offline-messages.ts';
import type { XcpRouterOptions } from './options.ts';
import { createClientPresence } from './presence/client-presence.ts';
import { createComposedSessions } from './presence/composed-sessions.ts';
import { createPermissions } from './presence/permissions.ts';
import { createPresenceFanOut } from './presence/presence-fan-out.ts';
import { createResourcePublisher } from './presence/resource-publisher.ts';
import { createSubscriptions } from './presence/subscriptions.ts';
import { rosterRequests } from './roster/roster-requests.ts';
import { createRosters } from './roster/rosters.ts';
import { createLocalDelivery } from './routing/local-delivery.ts';
import { type Origin, ROUTER } from './routing/origin.ts';
import { createRouting, type Routing } from './routing/router.ts';
import { createSdns } from './sdns/sdns.ts';
import { createAccounts } from './sessions/account.ts';
import { createClientStreams } from './sessions/client-streams.ts';
import { createPressure } from './sessions/inbox.ts';
import type { Sent, Session } from './sessions/session.ts';

export interface RouterCoreNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly routeDatastore: RouteDatastore;
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: RouterCounters;
  readonly components: ComponentRegistry;
  readonly links: RouterLinks;
  /** The presence domain of the system. */
  readonly domain: string;
  readonly version: string;
}

/** One life of the router, from its start to its stop: its parts in one column, each given what it uses. */
export function createRouterCore(needs: RouterCoreNeeds, options: XcpRouterOptions) {
  const { ids, clock, log, counters, components, domain } = needs;
  const keepAtMost = options.resumeStanzas;
  const startedAt = clock.monotonic();
  const lateRouting = (): Routing => routing;

  const accounts = createAccounts();
  const pressure = createPressure(options.queuedStanzas);
  const sdns = createSdns(
    {
      routeDatastore: needs.routeDatastore,
      components,
      clock,
      domain,
      async remoteComponents() {
        const aliases = await ids.read.selectFrom('tcaliases').selectAll().where('peerclusterid', '<>', '').execute();
        return aliases.map(({ tcalias, peerclusterid, fkprocessnode }) => ({
          ...{ domain: tcalias, cluster: peerclusterid, nodeName: fkprocessnode },
        }));
      },
      administrators: new Set(options.administrators.map((name) => escapeLocal(name.toLowerCase()))),
      counters: {
        cacheLookup: () => counters.cacheLookups.inc(),
        databaseLookup: () => counters.databaseLookups.inc(),
        cacheSize: (size) => counters.cacheSize.set(size),
      },
    },
    { cacheSize: options.sdnsCacheSize, negativeMs: options.negativeSeconds * 1_000 },
  );
  const permissions = createPermissions(ids, (name) => sdns.isOurs(name) || components.byDomain(name) !== undefined);
  const rosters = createRosters({ ids, accounts, keepAtMost, newId: () => randomUUID() });
  const composed = createComposedSessions({
    presenceDatastore: needs.presenceDatastore,
    sdns,
    changed: (user, said) => fanOut.composedChanged(user, said),
  });
  const fanOut = createPresenceFanOut({
    ...{ accounts, rosters, permissions, keepAtMost },
    routing: lateRouting,
    composed: composed.of,
  });
  const publisher = createResourcePublisher({ presenceDatastore: needs.presenceDatastore, accounts, clock, log });
  const subscriptions = createSubscriptions({
    ...{ ids, accounts, rosters, sdns, permissions, fanOut, keepAtMost },
    routing: lateRouting,
    maxItems: options.rosterItems,
  });
  const offline = createOfflineMessages({
    ...{ ids, clock, counters },
    maxPerUser: options.offlineMessagesPerUser,
    isSuppressed: options.suppressOffline,
  });
  const delivery = createLocalDelivery({
    accounts,
    counters,
    keepAtMost,
    judge: (owner, { from }) =>
      from === null || from.bare === owner.jid.bare || (from.local === null && sdns.isOurs(from.domain))
        ? undefined
        : permissions.judge(owner, from),
    isComponent: (name) => components.byDomain(name) !== undefined,
    store: offline.store,
    toAccount: {
      async presence(user, stanza) {
        const { from, type } = stanza;
        if (from === null) return;
        if (type === 'probe') await fanOut.answerProbe(user, stanza);
        else if (type === 'subscribe' || type === 'subscribed' || type === 'unsubscribe' || type === 'unsubscribed') {
          await subscriptions.inbound(user, { ...stanza, from }, type);
        }
      },
      iq: async (user, iq, origin) => await routing.answer(await answerIq(components, 'account', iq, user), origin),
    },
  });
  const toServer = async (stanza: Stanza, origin: Origin): Promise<void> => {
    if (stanza.kind === 'presence' || stanza.type === 'error' || stanza.type === 'result') return;
    if (stanza.kind === 'message') throw new StanzaError('service-unavailable', '');
    await routing.answer(await answerIq(components, 'server', stanza, undefined), origin);
  };
  const routing = createRouting({
    ...{ sdns, components, log },
    links: needs.links,
    toUser: delivery.deliver,
    toServer,
    onRouted: () => counters.routed.inc(),
  });
  const clientPresence = createClientPresence({
    ...{ fanOut, subscriptions, rosters, components },
    routing: lateRouting,
    publish: publisher.publish,
    left: (user, said) => lastActivity.left(user.pkid, said),
    async onAvailable(session) {
      for (const { request } of (await rosters.of(session.account)).values()) {
        if (request !== '') session.deliver(parseXml(request), keepAtMost);
      }
      await clientPresence.askAgain(session);
      // On its own: a client that acknowledges slowly must not wait for itself.
      offline.deliver(session).catch((error: unknown) => log.error({ err: error }, 'stored messages wait still'));
    },
  });

  /** A user that has blocked somebody does not write to it either (XEP-0191 3.5). */
  const refuseBlocked = async (session: Session, stanza: Stanza): Promise<void> => {
    const { to } = stanza;
    if (to === null || to.local === null || stanza.type === 'error' || stanza.type === 'result') return;
    const judged = await permissions.judge(session.account.user, to);
    if (judged.decision !== 'block' || !judged.reason.startsWith('acl')) return;
    const detail = { uri: `${NS.blocking}:errors`, local: 'blocked', attributes: [], children: [] };
    throw new StanzaError('not-acceptable', 'you have blocked this address', { detail });
  };

  const fromClient: Readonly<{
    message: (session: Session, message: Message) => Promise<void>;
    iq: (session: Session, iq: Iq) => Promise<void>;
  }> = {
    async message(session, said) {
      const { account, jid } = session;
      const { user } = account;
      // RFC 6121 8.2.1, 10.3.1: without an address it is for the user itself.
      const element = said.to === null ? addressed(said.element, { to: user.jid }) : said.element;
      const message = { ...said, element, to: said.to ?? user.jid, from: jid };
      await refuseBlocked(session, message);
      const seen = routing.seen({ message, from: jid, to: message.to, origin: 'client' });
      if (seen !== undefined) await seen;
      if (message.type === 'chat' && message.to.bare !== user.jid.bare) noteConversation(session, message.to.bare);
      await routing.route(message, { kind: 'client', session });
      delivery.carbons('sent', message, account, new Set([session]));
    },
    async iq(session, iq) {
      const { user } = session.account;
      const isOwn = iq.to === null || (iq.to.resource === null && iq.to.bare === user.jid.bare);
      if (!isOwn) {
        await refuseBlocked(session, iq);
        await routing.route(iq, { kind: 'client', session });
      } else if (iq.type === 'get' || iq.type === 'set') {
        const answer = await answerIq(components, 'account', iq, user);
        await routing.answer(answer, { kind: 'client', session });
      }
    },
  };

  const streams = createClientStreams(
    {
      ...{ sdns, accounts, pressure, counters, clock, log },
      async stanza(session, element) {
        try {
          const stanza = readStanza(element);
          counters.stanza('in', stanza);
          if (stanza.kind === 'message') await fromClient.message(session, stanza);
          else if (stanza.kind === 'presence') await clientPresence.sent(session, stanza);
          else await fromClient.iq(session, stanza);
        } catch (error) {
          const refusal = toStanzaError(error);
          if (refusal.kind === 'internal') log.error({ err: error }, 'a stanza could not be handled');
          const reply = errorReply(element, refusal);
          if (reply !== undefined) await routing.answer(reply, { kind: 'client', session });
        }
      },
      async ended(session, unacknowledged) {
        await clientPresence.ended(session);
        await giveBack(session, unacknowledged);
      },
      acknowledged: async (done) => await offline.delivered(offlineIds(done)),
    },
    {
      sessionsPerUser: options.sessionsPerUser,
      resumeMs: options.resumeSeconds * 1_000,
      acknowledgeEvery: options.acknowledgeEvery,
    },
  );

  /** What a client never acknowledged: back to its sender, or offline when it came after the connection broke. */
  const giveBack = async (session: Session, unacknowledged: readonly Sent[]): Promise<void> => {
    offline.undelivered(offlineIds(unacknowledged));
    const { user } = session.account;
    for (const { element, cameWhileAway, offlineId } of unacknowledged) {
      const stanza = readStanza(element);
      if (offlineId !== undefined || stanza.kind !== 'message' || stanza.type === 'error') continue;
      if (cameWhileAway) await routing.route({ ...stanza, to: user.jid }, ROUTER);
      else {
        const reply = errorReply(element, new StanzaError('recipient-unavailable', 'the message was not acknowledged'));
        if (reply !== undefined) await routing.send(reply, ROUTER);
      }
    }
  };

  const isSubscribed = async ({ owner, from, isOwn }: IqRequest): Promise<boolean> => {
    if (isOwn) return true;
    if (owner === undefined) return false;
    return await fanOut.mayWatch(owner, from, (await rosters.ofUser(owner)).get(from.bare));
  };
  const lastActivity = createLastActivity({ accounts, clock, mayWatch: isSubscribed });
  const blocking = createBlocking({
    ...{ ids, accounts, keepAtMost },
    async rulesChanged(user) {
      permissions.changed(new Set([user.pkid]));
      const account = accounts.find(user.jid.bare);
      if (account !== undefined) await fanOut.reconsider(account);
    },
  });

  const extensions = [
    components.extend({
      name: 'xcp-router',
      features: {
        server: [...BASIC_FEATURES, NS.carbons, NS.blocking, 'msgoffline', 'vcard-temp', 'jabber:iq:private'],
        account: [NS.ping, 'vcard-temp', 'jabber:iq:last'],
      },
      requests: [
        ...basicRequests({ clock, version: needs.version, startedAt: () => startedAt }),
        ...rosterRequests({ ids, accounts, rosters, subscriptions, sdns, maxItems: options.rosterItems }),
        ...carbonRequests(accounts),
        ...discoveryRequests({ components, accounts, isSubscribed }),
        ...lastActivity.requests,
        ...blocking.requests,
        ...privateStorageRequests(ids),
        ...vcardRequests(ids),
      ],
    }),
  ];

  const isServedBy = async (peer: RouterPeer, from: Jid, { type }: Stanza): Promise<boolean> => {
    const place = await sdns.lookup(from);
    if (place.kind === 'peer') return peer.cluster === place.cluster;
    if (place.kind === 'node') return peer.cluster === null;
    // The other side's server answers as the domain that both have.
    return place.kind === 'server' && (type === 'result' || type === 'error');
  };

  return {
    accounts,
    sdns,
    streams,
    pressure,
    rosters,
    permissions,
    fanOut,
    subscriptions,
    blocking,
    composed,
    publisher,
    /** A component's stanza, which it vouches for. */
    async fromComponent(component: XcpComponent, element: XmlElement): ReturnType<XcpAttachment['send']> {
      const stanza = readStanza(element);
      const { from, to } = stanza;
      if (from === null || to === null || !isOf(component, from)) {
        throw new ImpError('denied', 'xcp-router.not-yours', `${component.name} sends only from its own domains`);
      }
      const origin: Origin = { kind: 'component', component };
      if (stanza.kind === 'message') {
        const way = component.takesForeignDomains ? 'federation' : 'component';
        try {
          const seen = routing.seen({ message: stanza, from, to, origin: way });
          if (seen !== undefined) await seen;
        } catch (error) {
          const reply = errorReply(element, toStanzaError(error));
          if (reply !== undefined) await routing.answer(reply, origin);
          return;
        }
      }
      await routing.route(stanza, origin);
    },
    /** What another router sends: only for users and components that it serves. */
    async fromLink(stanza: Stanza, peer: RouterPeer): Promise<void> {
      const { from, to } = stanza;
      if (from === null || to === null || !(await isServedBy(peer, from, stanza))) {
        log.warn({ peer: peer.key }, 'a router sent for somebody whom it does not serve');
        return;
      }
      const origin: Origin = { kind: 'link', peer };
      if (stanza.kind === 'message') {
        try {
          const seen = routing.seen({ message: stanza, from, to, origin: 'link' });
          if (seen !== undefined) await seen;
        } catch (error) {
          const reply = errorReply(stanza.element, toStanzaError(error));
          if (reply !== undefined) await routing.answer(reply, origin);
          return;
        }
      }
      await routing.route(stanza, origin);
    },
    /** A link broke: who sent what was on it is told that it may not have arrived. */
    lost(stanzas: readonly Stanza[]): void {
      for (const { element, kind, type } of stanzas) {
        if (kind === 'presence' || type === 'error' || type === 'result') continue;
        const reply = errorReply(element, new StanzaError('remote-server-timeout', 'the link to the node broke'));
        if (reply !== undefined) void routing.send(reply, ROUTER);
      }
    },
    close(): void {
      for (const extension of extensions) extension[Symbol.dispose]();
    },
  };
}

export type RouterCore = ReturnType<typeof createRouterCore>;

/** How many conversations of an account are remembered; the oldest go first. */
const MOST_CONVERSATIONS = 500;

/** From now on the peer's messages come to this resource alone (docs/services/xcp-router.md). */
function noteConversation(session: Session, peer: string): void {
  const { conversations } = session.account;
  conversations.delete(peer);
  if (conversations.size >= MOST_CONVERSATIONS) conversations.delete(conversations.keys().next().value ?? '');
  conversations.set(peer, session.jid.resource ?? '');
}

function offlineIds(sent: readonly Sent[]): string[] {
  return sent.flatMap(({ offlineId }) => offlineId ?? []);
}
