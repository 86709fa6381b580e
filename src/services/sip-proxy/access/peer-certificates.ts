import type { ChangeFeed } from '../../../ids/change-feed.ts';
import type { Ids } from '../../../ids/ids.ts';

/** Certificates of peer clusters, as the Intercluster Sync Agent has read them. */
export interface PeerCertificates {
  /** Whether a node of a peer shows the certificate with this SHA-256 fingerprint. */
  isNode(fingerprint: string): boolean;
  /** PEM of the peers' authorities, one after the other. */
  authorities(): string;
  /** Reads them, and again at each change, until the signal is aborted. */
  follow(changeFeed: ChangeFeed, signal: AbortSignal): Promise<void>;
}

/** @param onAuthorities called when others are to be trusted than before */
export function createPeerCertificates(ids: Ids, onAuthorities: (authorities: string) => void): PeerCertificates {
  let nodes: ReadonlySet<string> = new Set();
  let authorities = '';

  const read = async (): Promise<string> => {
    const rows = await ids.read.selectFrom('interclustercertificate').selectAll().orderBy('fingerprint').execute();
    nodes = new Set(rows.filter(({ kind }) => kind === 'node').map(({ fingerprint }) => fingerprint));
    const trusted = rows.filter(({ kind }) => kind === 'authority').map(({ pem }) => pem.trim());
    const joined = [...new Set(trusted)].join('\n');
    if (joined !== authorities) {
      authorities = joined;
      onAuthorities(joined);
    }
    return `trusts ${nodes.size} nodes of peers`;
  };

  return {
    isNode: (fingerprint) => nodes.has(fingerprint),
    authorities: () => authorities,
    follow: (changeFeed, signal) =>
      changeFeed.follow(
        { consumer: 'sip-proxy-peers', tables: ['interclustercertificate'], start: 'snapshot', signal },
        read,
      ),
  };
}
