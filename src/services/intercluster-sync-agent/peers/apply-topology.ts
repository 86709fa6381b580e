import type { Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import type { PeerCluster } from '../reading/answers.ts';

type TopologyTable = 'interclusternode' | 'interclusterdomain' | 'interclustercertificate' | 'tcaliases';
type Row = Readonly<Record<string, string | number>>;

/** Makes what is known of a peer's topology equal to what it told; writes differences only. */
export async function applyTopology(trx: Transaction<Database>, peerId: number, cluster: PeerCluster): Promise<void> {
  await replace(
    trx,
    'interclusternode',
    ['peerid', 'name'],
    { column: 'peerid', value: peerId },
    nodesOf(peerId, cluster),
  );
  await replace(
    trx,
    'interclusterdomain',
    ['peerid', 'domain'],
    { column: 'peerid', value: peerId },
    cluster.domains.map(({ name, isDefault }) => ({ peerid: peerId, domain: name, isdefault: isDefault ? 1 : 0 })),
  );
  await replace(
    trx,
    'tcaliases',
    ['peerclusterid', 'tcalias'],
    { column: 'peerclusterid', value: String(peerId) },
    cluster.aliases.map(({ name, isPrimary, node, originalNode }) => ({
      peerclusterid: String(peerId),
      tcalias: name,
      isprimary: isPrimary ? 1 : 0,
      fkprocessnode: node,
      originalfkprocessnode: originalNode,
    })),
  );
}

/** The same with its certificates. */
export async function applyCertificates(
  trx: Transaction<Database>,
  peerId: number,
  cluster: PeerCluster,
): Promise<void> {
  await replace(
    trx,
    'interclustercertificate',
    ['peerid', 'fingerprint'],
    { column: 'peerid', value: peerId },
    cluster.certificates.map(({ fingerprint, kind, node, pem }) => ({ peerid: peerId, fingerprint, kind, node, pem })),
  );
}

function nodesOf(peerId: number, { nodes, groups }: PeerCluster): Row[] {
  return nodes.map((node) => ({
    peerid: peerId,
    name: node.name,
    address: node.address,
    subcluster: node.redundancyGroup,
    haenabled: groups.get(node.redundancyGroup)?.highAvailability === true ? 1 : 0,
    isprimary: node.isPublisher ? 1 : 0,
    tkhaserverstate: node.haState,
    version: node.version,
    httpsport: node.httpsPort,
    sipport: node.sipPort,
    siptlsport: node.sipTlsPort,
    routerport: node.routerPort,
  }));
}

async function replace(
  trx: Transaction<Database>,
  table: TopologyTable,
  key: readonly string[],
  owner: { readonly column: string; readonly value: string | number },
  rows: readonly Row[],
): Promise<void> {
  // The four tables have no column in common that types could follow.
  const db = trx as unknown as Transaction<Record<TopologyTable, Record<string, string | number>>>;
  const keyOf = (row: Row): string => key.map((column) => row[column]).join('\0');
  const known = await db.selectFrom(table).selectAll().where(owner.column, '=', owner.value).execute();
  const before = new Map(known.map((row) => [keyOf(row), row]));
  const wanted = new Map(rows.map((row) => [keyOf(row), row]));
  const matching = (row: Row) => key.map((column) => [column, row[column]] as const);
  for (const [name, row] of before) {
    if (wanted.has(name)) continue;
    let query = db.deleteFrom(table);
    for (const [column, value] of matching(row)) query = query.where(column, '=', value as string | number);
    await query.execute();
  }
  for (const [name, row] of wanted) {
    const old = before.get(name);
    if (!old) await db.insertInto(table).values(row).execute();
    else if (Object.entries(row).some(([column, value]) => old[column] !== value)) {
      let query = db.updateTable(table).set(row);
      for (const [column, value] of matching(row)) query = query.where(column, '=', value as string | number);
      await query.execute();
    }
  }
}
