import type { Ids } from '../../ids/ids.ts';
import { type HaState, isHaReason, isHaState, type NodeState } from './states.ts';

export interface GroupNode {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly version: string;
  readonly isPublisher: boolean;
}

/** Where this node stands in the cluster. */
export interface Topology {
  readonly own: GroupNode;
  readonly group: { readonly id: number; readonly name: string; readonly isEnabled: boolean };
  /** The other node of the group. */
  readonly partner: GroupNode | null;
  /** Nodes of other groups: they are told, so that they route right. */
  readonly others: readonly GroupNode[];
}

/** A group as administrators see it: what the IDS of this node knows. */
export interface GroupView {
  readonly group: string;
  readonly isEnabled: boolean;
  readonly nodes: readonly (NodeState & { readonly id: number; readonly name: string })[];
}

/** Reads the topology; undefined while this node does not stand in it. */
export async function readTopology(ids: Ids, nodeName: string): Promise<Topology | undefined> {
  const nodes = await ids.read.selectFrom('enterprisenode').selectAll().orderBy('id').execute();
  const row = nodes.find((each) => each.name === nodeName);
  const group =
    row &&
    (await ids.read
      .selectFrom('enterprisesubcluster')
      .where('id', '=', row.subclusterid)
      .selectAll()
      .executeTakeFirst());
  if (!row || !group) return undefined;
  const viewOf = ({ id, name, address, version, isprimary }: typeof row): GroupNode => ({
    id,
    name,
    address,
    version,
    isPublisher: isprimary === 1,
  });
  const partner = nodes.find((each) => each.subclusterid === row.subclusterid && each.id !== row.id);
  return {
    own: viewOf(row),
    group: { id: group.id, name: group.name, isEnabled: group.haenabled === 1 },
    partner: partner ? viewOf(partner) : null,
    others: nodes.filter((each) => each.id !== row.id && each.id !== partner?.id).map(viewOf),
  };
}

export async function readGroups(ids: Ids): Promise<readonly GroupView[]> {
  const groups = await ids.read.selectFrom('enterprisesubcluster').selectAll().orderBy('id').execute();
  const nodes = await ids.read.selectFrom('enterprisenode').selectAll().orderBy('id').execute();
  return groups.map((group) => ({
    group: group.name,
    isEnabled: group.haenabled === 1,
    nodes: nodes
      .filter((node) => node.subclusterid === group.id)
      .map((node) => ({ id: node.id, name: node.name, ...stateOf(node.tkhaserverstate, node.hareason) })),
  }));
}

/** What the node was when it last wrote it; null at its first start, or when it was Initializing. */
export async function readRecord(ids: Ids, nodeName: string): Promise<NodeState | null> {
  const row = await ids.read.selectFrom('harecord').where('node', '=', nodeName).selectAll().executeTakeFirst();
  return row && isHaState(row.state) ? stateOf(row.state, row.reason) : null;
}

/**
 * Writes what this node is, in one transaction: for everybody in `enterprisenode`, and for its own next start in the
 * failover record. Initializing leaves the record as it is.
 */
export async function writeOwn(
  ids: Ids,
  own: GroupNode,
  { state, reason }: NodeState,
  more: { readonly isFinished: boolean; readonly isKept: boolean; readonly at: number },
): Promise<void> {
  await ids.transaction('node', async (trx) => {
    await trx
      .updateTable('enterprisenode')
      .set({ tkhaserverstate: state, hareason: reason })
      .where('id', '=', own.id)
      .execute();
    if (more.isKept) return;
    const row = { state, reason, finished: more.isFinished ? 1 : 0, at: more.at };
    await trx
      .insertInto('harecord')
      .values({ node: own.name, ...row })
      .onConflict((conflict) => conflict.column('node').doUpdateSet(row))
      .execute();
  });
}

/** Writes what another node said of itself, when it is news. */
export async function writeOther(ids: Ids, id: number, { state, reason }: NodeState): Promise<void> {
  await ids.transaction('node', async (trx) => {
    await trx
      .updateTable('enterprisenode')
      .set({ tkhaserverstate: state, hareason: reason })
      .where('id', '=', id)
      .execute();
  });
}

function stateOf(state: number, reason: string): NodeState {
  const known: HaState = isHaState(state) ? state : 0;
  return {
    state: known,
    reason: isHaReason(reason) ? reason : known === 0 ? 'High Availability Not Enabled' : 'Unknown',
  };
}
