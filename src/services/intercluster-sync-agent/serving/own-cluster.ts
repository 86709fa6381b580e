import { X509Certificate } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Ids } from '../../../ids/ids.ts';
import type { TcAliasRow } from '../../../ids/tables/intercluster.ts';
import type { EnterpriseNodeRow, EnterpriseSubclusterRow } from '../../../ids/tables/topology.ts';

/** Listeners of this node, for peers; 0 where there is none. */
export interface OwnPorts {
  readonly https: number;
  readonly sip: number;
  readonly sipTls: number;
  readonly router: number;
}

export interface OwnTopology {
  readonly groups: readonly Selectable<EnterpriseSubclusterRow>[];
  readonly nodes: readonly (Selectable<EnterpriseNodeRow> & { readonly ports: OwnPorts; readonly group: string })[];
  readonly domains: readonly { readonly domain: string; readonly isdefault: number }[];
  readonly aliases: readonly Selectable<TcAliasRow>[];
}

const NO_PORTS: OwnPorts = { https: 0, sip: 0, sipTls: 0, router: 0 };

/** The cluster's own topology. A node knows its own ports only; the others' are the well-known ones. */
export async function readOwnTopology(
  ids: Ids,
  self: { readonly name: string; readonly ports: OwnPorts },
): Promise<OwnTopology> {
  const [groups, nodes, domains, aliases] = await Promise.all([
    ids.read.selectFrom('enterprisesubcluster').selectAll().orderBy('id').execute(),
    ids.read.selectFrom('enterprisenode').selectAll().orderBy('id').execute(),
    ids.read.selectFrom('imdomain').select(['domain', 'isdefault']).orderBy('domain').execute(),
    ids.read.selectFrom('tcaliases').selectAll().where('peerclusterid', '=', '').orderBy('tcalias').execute(),
  ]);
  const names = new Map(groups.map(({ id, name }) => [id, name]));
  return {
    groups,
    nodes: nodes.map((node) => ({
      ...node,
      group: names.get(node.subclusterid) ?? '',
      ports: node.name === self.name ? self.ports : NO_PORTS,
    })),
    domains,
    aliases,
  };
}

/** The certificates of a PEM text, each as base64 of its DER. */
export function derOf(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw.toString('base64'));
}
