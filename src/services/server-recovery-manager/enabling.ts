import type { Beat } from './beat.ts';
import type { Topology } from './record.ts';

export interface EnablingFacts {
  readonly topology: Topology;
  /** Real-time datastores that both nodes see. */
  readonly isStoreShared: boolean;
  readonly own: Beat;
  /** The last heartbeat of the partner; undefined while it is silent. */
  readonly partner: Beat | undefined;
}

/** One thing that stands against high availability. */
export interface EnablingProblem {
  readonly text: string;
  /** Nothing works without it: no override helps. */
  readonly isFatal: boolean;
}

/** Everything that must be right before high availability is switched on; each failing one is told. */
export function enablingProblems({ topology, isStoreShared, own, partner }: EnablingFacts): readonly EnablingProblem[] {
  const problems: EnablingProblem[] = [];
  const add = (isFatal: boolean, text: string): void => void problems.push({ isFatal, text });
  if (!topology.partner) {
    add(true, `the group ${topology.group.name} has one node, and needs two`);
    return problems;
  }
  const { name } = topology.partner;
  if (!isStoreShared) add(true, 'the real-time datastores are not shared: both nodes need the same Redis or Valkey');
  if (!partner) {
    add(false, `the Server Recovery Manager of ${name} is not heard`);
    return problems;
  }
  if (partner.version !== own.version) {
    add(false, `versions differ: ${own.node} has ${own.version}, ${name} has ${partner.version}`);
  }
  if (partner.parameters !== own.parameters) {
    add(false, `parameters differ: ${own.node} has ${own.parameters}, ${name} has ${partner.parameters}`);
  }
  for (const each of [own, partner]) {
    if (each.replicationState !== 2) {
      add(false, `IDS replication of ${each.node} is in state ${each.replicationState}, and must be in state 2`);
    }
    if (each.health !== 'up') {
      const down = each.down.length === 0 ? 'the database' : each.down.join(', ');
      add(false, `critical services of ${each.node} are down: ${down}`);
    }
  }
  return problems;
}
