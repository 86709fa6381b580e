import type { Ids } from '../../../ids/ids.ts';
import type { Alarms } from '../../../platform/alarms.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { TlsMaterial } from '../../../platform/https-listener.ts';
import type { Log } from '../../../platform/log.ts';
import type { Stanza } from '../../../xmpp/xmpp.ts';
import type { Pressure } from '../sessions/inbox.ts';
import { type IncomingLinks, listenForLinks } from './incoming-links.ts';
import { createOutgoingLink, type OutgoingLink } from './outgoing-link.ts';
import { type RouterPeer, readPeers } from './peers.ts';

/** Ways to users of other nodes and clusters. */
export interface RouterLinks {
  /**
   * Sends to another router, named as `peerKey` does. False when there is no such router; resolves when it has left us.
   * @throws StanzaError `remote-server-timeout` when it cannot be reached
   */
  send(key: string, stanza: Stanza): Promise<boolean>;
}

export interface RouterLinksNeeds {
  readonly ids: Ids;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly pressure: Pressure;
  readonly tls: () => { readonly node: TlsMaterial; readonly ca: string };
  readonly nodeName: string;
  readonly domain: string;
  readonly host: string;
  readonly port: number;
  readonly received: (stanza: Stanza, from: RouterPeer) => Promise<void>;
  readonly lost: (stanzas: readonly Stanza[]) => void;
}

export interface OpenRouterLinks extends RouterLinks, AsyncDisposable {
  /** Undefined when it could not be listened. */
  readonly port: number | undefined;
  /** Peers, or what vouches for them, have changed. */
  readPeers(): Promise<void>;
  renewTls(tls: TlsMaterial): void;
  detail(): string;
}

const SERVICE = 'xcp-router';
/** What a node's router listens on where nothing else is said. */
export const ROUTER_PORT = 7400;

/** The links between routers: each side sends on connections that it has opened itself. */
export async function openRouterLinks(needs: RouterLinksNeeds): Promise<OpenRouterLinks> {
  const { ids, clock, log, alarms } = needs;
  const outgoing = new Map<string, { readonly peer: RouterPeer; readonly link: OutgoingLink }>();
  let peers: ReadonlyMap<string, RouterPeer> = new Map();
  let incoming: IncomingLinks | undefined;

  const read = async (): Promise<void> => {
    const authority = needs.tls().ca;
    peers = await readPeers(ids.read, { nodeName: needs.nodeName, authority, port: ROUTER_PORT });
    for (const [key, { peer, link }] of outgoing) {
      if (isSame(peer, peers.get(key))) continue;
      outgoing.delete(key);
      link.close();
    }
    incoming?.endOthers(new Set(peers.keys()));
  };

  const linkTo = (peer: RouterPeer): OutgoingLink => {
    const known = outgoing.get(peer.key);
    if (known !== undefined) return known.link;
    const { nodeName, domain, lost } = needs;
    const tls = () => needs.tls().node;
    const link = createOutgoingLink(peer, { clock, log, tls, nodeName, domain, lost, onState: () => undefined });
    outgoing.set(peer.key, { peer, link });
    return link;
  };

  await read();
  try {
    incoming = await listenForLinks(needs.host, needs.port, {
      ...{ clock, log, pressure: needs.pressure, domain: needs.domain, received: needs.received },
      tls: () => needs.tls().node,
      peers: () => peers.values(),
    });
    alarms.clear(SERVICE, 'XcpRouterListenError');
  } catch (error) {
    // Everything but other nodes goes on.
    const said = error instanceof Error ? error.message : String(error);
    alarms.raise(SERVICE, 'XcpRouterListenError', 3, `other routers cannot connect: ${said}`);
  }

  return {
    async send(key, stanza) {
      const peer = peers.get(key);
      if (peer === undefined) return false;
      await linkTo(peer).send(stanza);
      return true;
    },
    get port() {
      return incoming?.port;
    },
    readPeers: read,
    renewTls: (tls) => incoming?.renew(tls),
    detail() {
      if (peers.size === 0) return '';
      const up = [...outgoing.values()].filter(({ link }) => link.isUp).length;
      return `${up} of ${peers.size} ${peers.size === 1 ? 'router' : 'routers'} linked`;
    },
    async [Symbol.asyncDispose]() {
      for (const { link } of outgoing.values()) link.close();
      await incoming?.close();
    },
  };
}

function isSame(a: RouterPeer, b: RouterPeer | undefined): boolean {
  return (
    b !== undefined &&
    a.address === b.address &&
    a.port === b.port &&
    a.authorities.length === b.authorities.length &&
    a.authorities.every((pem) => b.authorities.includes(pem))
  );
}
