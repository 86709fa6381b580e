import type { Facts, HaEvent, TransitionRow } from './facts.ts';
import { FAILOVER_ROWS } from './rows/failover.ts';
import { FALLBACK_ROWS } from './rows/fallback.ts';
import { INITIALIZING_ROWS } from './rows/initializing.ts';
import { RECOVERY_ROWS } from './rows/recovery.ts';
import type { NodeState } from './states.ts';

export type Transition =
  | { readonly kind: 'stay' }
  | {
      readonly kind: 'move';
      readonly row: string;
      readonly name: string;
      readonly to: NodeState;
      readonly recovers: boolean;
    };

const TABLE: readonly TransitionRow[] = [...RECOVERY_ROWS, ...INITIALIZING_ROWS, ...FALLBACK_ROWS, ...FAILOVER_ROWS];

/** Every row, in the order in which they are tried. */
export function transitionRows(): readonly TransitionRow[] {
  return TABLE;
}

/** What a node does on an event: pure, read off the table row by row. */
export function transition(facts: Facts, event: HaEvent): Transition {
  for (const row of TABLE) {
    const isMeant = typeof row.on === 'string' ? row.on === event.kind : row.on.includes(event.kind);
    if (!isMeant) continue;
    if (row.from !== 'any' && !row.from.includes(facts.own.state)) continue;
    const state = typeof row.to === 'function' ? row.to(facts) : row.to;
    if (row.from === 'any' && state === facts.own.state && event.kind !== 'started') continue;
    if (row.when && !row.when(facts, event)) continue;
    const reason = typeof row.reason === 'function' ? row.reason(facts, event) : row.reason;
    if (state === facts.own.state && reason === facts.own.reason) continue;
    return { kind: 'move', row: row.row, name: row.name, to: { state, reason }, recovers: row.recovers === true };
  }
  return { kind: 'stay' };
}
