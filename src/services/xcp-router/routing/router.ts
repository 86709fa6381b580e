import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import type { XmlElement } from '../../../xml/element.ts';
import {
  addressed,
  errorReply,
  type Jid,
  readStanza,
  type Stanza,
  StanzaError,
  toStanzaError,
} from '../../../xmpp/xmpp.ts';
import type { LocalUser, SeenMessage, XcpComponent } from '../components/component.ts';
import type { ComponentRegistry } from '../components/registry.ts';
import { peerKey } from '../links/peers.ts';
import type { RouterLinks } from '../links/router-links.ts';
import type { Sdns } from '../sdns/sdns.ts';
import { type Origin, ROUTER } from './origin.ts';

export interface RoutingNeeds {
  readonly sdns: Sdns;
  readonly components: ComponentRegistry;
  readonly links: RouterLinks;
  /** Delivers to a user of this node. @throws ImpError: the answer to the sender */
  readonly toUser: (user: LocalUser, stanza: Stanza, origin: Origin) => void | Promise<void>;
  /** Answers what is addressed to one of our domains. @throws ImpError */
  readonly toServer: (stanza: Stanza, origin: Origin) => void | Promise<void>;
  readonly onRouted: () => void;
  readonly log: Log;
}

export interface Routing {
  /** Brings a stanza to where it belongs; an error goes back to where it came from. Never rejects. */
  route(stanza: Stanza, origin: Origin): Promise<void>;
  /** The same for a stanza that we have just made. */
  send(element: XmlElement, origin: Origin): Promise<void>;
  /** Sends an answer, or an error, back to the origin. */
  answer(element: XmlElement, origin: Origin): Promise<void>;
  /** Shows a message that came in to everybody who must see it. @throws ImpError that refuses it */
  seen(message: SeenMessage): Promise<void> | undefined;
}

/** The way of every stanza: SDNS says where its address lives, and this brings it there. */
export function createRouting(needs: RoutingNeeds): Routing {
  const { sdns, components, links } = needs;

  const dispatch = async (stanza: Stanza, to: Jid, origin: Origin): Promise<void> => {
    const found = sdns.lookup(to);
    const place = found instanceof Promise ? await found : found;
    switch (place.kind) {
      case 'local':
        return await needs.toUser(place.user, stanza, origin);
      case 'server':
        return await needs.toServer(stanza, origin);
      case 'component':
      case 'federation':
        return await place.component.deliver(stanza);
      case 'node':
        if (origin.kind === 'link' && origin.peer.cluster === null) throw goesInCircles();
        return await overLink(peerKey(null, place.node.name), stanza);
      case 'peer':
        if (origin.kind === 'link') throw goesInCircles();
        return await overLink(peerKey(place.cluster, place.nodeName), stanza);
      case 'none':
        if (!place.isOurs) throw new StanzaError('remote-server-not-found', 'the domain cannot be reached');
        return toNobody(stanza);
    }
  };

  const overLink = async (key: string, stanza: Stanza): Promise<void> => {
    if (!(await links.send(key, stanza))) {
      throw new StanzaError('remote-server-not-found', 'the node of the user cannot be reached');
    }
  };

  const toComponent = async (component: XcpComponent, element: XmlElement): Promise<void> => {
    try {
      await component.deliver(readStanza(element));
    } catch (error) {
      // An answer that its asker does not take is nobody's any more.
      needs.log.debug({ component: component.name, err: describeError(error) }, 'an answer was not taken');
    }
  };

  const routing: Routing = {
    async route(stanza, origin) {
      needs.onRouted();
      try {
        if (stanza.to === null) throw new StanzaError('bad-request', 'the stanza has no address');
        await dispatch(stanza, stanza.to, origin);
      } catch (error) {
        if (origin.kind === 'router' || isQuiet(stanza)) return;
        const reply = errorReply(stanza.element, toStanzaError(error));
        if (reply !== undefined) await routing.answer(reply, origin);
      }
    },
    send: async (element, origin) => await routing.route(readStanza(element), origin),
    async answer(element, origin) {
      if (origin.kind === 'client') {
        const { session } = origin;
        session.deliver(addressed(element, { to: session.jid }), Number.POSITIVE_INFINITY);
      } else if (origin.kind === 'component') await toComponent(origin.component, element);
      else if (origin.kind === 'link') await routing.send(element, ROUTER);
    },
    seen: (message) => components.seen(message),
  };
  return routing;
}

/** RFC 6121 8.5.1: there is no such user. Presence vanishes; a request or a message is refused. */
function toNobody(stanza: Stanza): void {
  if (stanza.kind === 'presence') return;
  throw new StanzaError('service-unavailable', '');
}

/** Two nodes that each take the other for the user's: the topology is changing. */
function goesInCircles(): StanzaError {
  return new StanzaError('remote-server-not-found', 'the user is not served by the node that it was sent to');
}

/** RFC 6120 8.3.1: no errors for what nobody waits for, or is an answer itself. */
function isQuiet({ kind, type }: Stanza): boolean {
  return type === 'error' || (kind === 'presence' && type !== 'available') || (kind === 'iq' && type === 'result');
}
