import { X509Certificate } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { ImpError } from '../../../platform/errors.ts';

/** Another router: of a node of this cluster, or of a peer cluster. */
export interface RouterPeer {
  /** Names it: `imp2`, or `1/imp1` of the peer with that id. */
  readonly key: string;
  /** `interclusterpeer.id` as text; null for a node of this cluster. */
  readonly cluster: string | null;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** PEM of who may vouch for it. */
  readonly authorities: readonly string[];
}

/** How the routers of users elsewhere are named. */
export function peerKey(cluster: string | null, node: string): string {
  return cluster === null ? node.toLowerCase() : `${cluster}/${node.toLowerCase()}`;
}

/** The routers that this one may be linked with. */
export async function readPeers(
  db: Kysely<Database>,
  own: { readonly nodeName: string; readonly authority: string; readonly port: number },
): Promise<ReadonlyMap<string, RouterPeer>> {
  const peers = new Map<string, RouterPeer>();
  const add = (peer: Omit<RouterPeer, 'key'>): void => {
    const key = peerKey(peer.cluster, peer.name);
    peers.set(key, { ...peer, key });
  };
  for (const { name, address } of await db.selectFrom('enterprisenode').select(['name', 'address']).execute()) {
    if (name !== own.nodeName) add({ cluster: null, name, address, port: own.port, authorities: [own.authority] });
  }
  const certificates = await db.selectFrom('interclustercertificate').select(['peerid', 'kind', 'pem']).execute();
  for (const node of await db.selectFrom('interclusternode').selectAll().execute()) {
    const authorities = certificates
      .filter(({ peerid, kind }) => peerid === node.peerid && kind === 'authority')
      .map(({ pem }) => pem);
    const { name, address, routerport } = node;
    add({ cluster: String(node.peerid), name, address, port: routerport || own.port, authorities });
  }
  return peers;
}

/** Tables that `readPeers` reads. */
export const PEER_TABLES = ['enterprisenode', 'interclusternode', 'interclustercertificate'] as const;

/**
 * Which peer a certificate speaks for: one of the claimed name whose authority has signed it, and whose name stands in it.
 * The chain itself is judged here, as two clusters may have nodes of one name.
 */
export function peerOfCertificate(
  peers: Iterable<RouterPeer>,
  certificate: X509Certificate,
  claimed: string,
  now: number,
): RouterPeer | undefined {
  if (Date.parse(certificate.validFrom) > now || Date.parse(certificate.validTo) < now) return undefined;
  for (const peer of peers) {
    if (peer.name.toLowerCase() !== claimed || certificate.checkHost(claimed) === undefined) continue;
    if (peer.authorities.some((pem) => hasSigned(pem, certificate))) return peer;
  }
  return undefined;
}

function hasSigned(pem: string, certificate: X509Certificate): boolean {
  const authority = parse(pem);
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function parse(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ImpError('internal', 'xcp-router.authority', 'the certificate of an authority cannot be read', { cause });
  }
}
