/**
 * A phone whose do not disturb we have set, or have taken back and not yet heard of: what CUCM says of it then is an echo
 * of what we said (docs/services/intercluster-sync-agent.md).
 */
export interface DndPropagationRow {
  fkdevice: string;
  /** The user whose presence it follows. */
  fkenduser: string;
  /** What it is to be. */
  dnd: number;
  /** 1 when CUCM has taken it. */
  done: number;
  /** Milliseconds since the epoch. */
  at: number;
}
