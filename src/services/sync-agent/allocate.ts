/** How new users are spread (the enterprise parameter of CUCM; docs/services/sync-agent.md). */
export type AssignmentMode = 'balanced' | 'active-standby' | 'none';

export interface AssignableNode {
  readonly id: number;
  readonly subclusterId: number;
  /** Users it has already. */
  readonly users: number;
  /** A node that is failed over gets no new users. */
  readonly isServing: boolean;
}

/** What the values of CUCM's parameter mean; anything else is its default. */
export function assignmentMode(value: string | undefined): AssignmentMode {
  switch (
    (value ?? '')
      .trim()
      .toLowerCase()
      .replace(/[\s_-]+/g, '-')
  ) {
    case 'active-standby':
    case '2':
      return 'active-standby';
    case 'none':
    case '3':
      return 'none';
    default:
      return 'balanced';
  }
}

/**
 * How many of `count` new users each node gets, by its id. Balanced: one after the other to the node with the fewest
 * users in the group with the fewest. Active-standby: to the first node of that group. Assignments that exist are kept.
 */
export function allocate(
  nodes: readonly AssignableNode[],
  count: number,
  mode: AssignmentMode,
): ReadonlyMap<number, number> {
  const quotas = new Map<number, number>();
  if (mode === 'none') return quotas;
  const groups = [...Map.groupBy(nodes, (node) => node.subclusterId)]
    .sort(([a], [b]) => a - b)
    .map(([, members]) => {
      const serving = members.filter((node) => node.isServing).sort((a, b) => a.id - b.id);
      const takers = mode === 'active-standby' ? serving.slice(0, 1) : serving;
      return {
        users: members.reduce((sum, node) => sum + node.users, 0),
        takers: takers.map((node) => ({ id: node.id, users: node.users })),
      };
    })
    .filter((group) => group.takers.length > 0);
  const fewest = <T extends { users: number }>(of: readonly T[]): T | undefined =>
    of.reduce<T | undefined>((best, each) => (best === undefined || each.users < best.users ? each : best), undefined);
  for (let given = 0; given < count; given += 1) {
    const group = fewest(groups);
    const node = group && fewest(group.takers);
    if (!group || !node) break;
    group.users += 1;
    node.users += 1;
    quotas.set(node.id, (quotas.get(node.id) ?? 0) + 1);
  }
  return quotas;
}
