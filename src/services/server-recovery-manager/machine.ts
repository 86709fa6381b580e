import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Notifications } from '../../platform/notifications.ts';
import type { Facts, HaEvent } from './facts.ts';
import { type Topology, writeOther, writeOwn } from './record.ts';
import { describeNode, HA_STATE, isStable, NOT_ENABLED, type NodeState, STATE_NAMES } from './states.ts';
import { transition } from './transitions.ts';

const SERVICE = 'server-recovery-manager';
/** Time for a request to reach the other node as well. */
const RECOVERING_MS = 5_000;
const FAILOVER_NOTICE = 'automatic-failover';
/** The alarm stands from the first sign of a failover until both nodes are Normal again. */
const IN_FAILOVER: ReadonlySet<number> = new Set([2, 4, 5, 6, 7, 8, 9, 10]);

export interface MachineNeeds {
  readonly ids: Ids;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
  readonly facts: (known: Pick<Facts, 'own' | 'recorded' | 'isRecovering'>) => Facts;
  readonly onMove: () => void;
}

/** The state of this node: decides by the table, writes what it decided before anybody acts on it. */
export interface Machine {
  readonly own: NodeState;
  /** Grows with each move. */
  readonly sequence: number;
  /** Milliseconds in this state. */
  readonly forMs: number;
  /** The group is to recover by itself. */
  readonly recovers: boolean;
  /** @returns whether the node has moved */
  apply(event: HaEvent, topology: Topology): Promise<boolean>;
  /** A node without a partner: the quiet end of it. */
  rest(topology: Topology): Promise<void>;
  /** What is known of another node, for everybody who routes by it. */
  noteOther(id: number, state: NodeState): Promise<void>;
  /** Writes what could not be written before. */
  catchUp(topology: Topology): Promise<void>;
}

export function createMachine(needs: MachineNeeds, start: { readonly recorded: NodeState | null }): Machine {
  const { ids, clock, log, alarms, notifications } = needs;
  let own: NodeState = NOT_ENABLED;
  let recorded = start.recorded;
  let since = clock.monotonic();
  let sequence = 0;
  let recovers = false;
  let isFromFailed = false;
  let isUnwritten = false;
  const writtenOthers = new Map<number, string>();

  const write = async (topology: Topology): Promise<void> => {
    try {
      await writeOwn(ids, topology.own, own, {
        isFinished: isStable(own.state),
        isKept: own.state === HA_STATE.initializing,
        at: clock.now(),
      });
      isUnwritten = false;
    } catch (error) {
      // The database may be the very thing that failed: users are moved all the same, and it is written later.
      isUnwritten = true;
      log.error({ err: describeError(error), state: STATE_NAMES[own.state] }, 'the state cannot be written');
    }
  };

  const tell = (topology: Topology): void => {
    const peer = topology.partner?.name ?? '';
    if (own.state === HA_STATE.failed) {
      alarms.raise(SERVICE, 'SRMFailed', 2, `${describeNode(topology.own.name, own)}: imp ha recover`);
    } else if (IN_FAILOVER.has(own.state)) {
      const isBackup =
        own.state === HA_STATE.backup || own.state === HA_STATE.takingOver || own.state === HA_STATE.fallingBack;
      const [from, to] = isBackup ? [peer, topology.own.name] : [topology.own.name, peer];
      alarms.raise(SERVICE, 'SRMFailover', 2, `from ${from} to ${to}: ${own.reason}`);
      if (own.reason !== 'On Admin Request') {
        notifications.raise({
          service: SERVICE,
          cause: FAILOVER_NOTICE,
          severity: 'high',
          text: `users of ${from} are served by ${to} (${own.reason}). Fall back when ${from} is well: imp ha fallback ${from}`,
        });
      }
    } else if (own.state === HA_STATE.normal || own.state === HA_STATE.unknown) {
      alarms.clear(SERVICE, 'SRMFailover');
      alarms.clear(SERVICE, 'SRMFailed');
      notifications.clear(SERVICE, FAILOVER_NOTICE, 'normal');
    }
  };

  const become = async (next: NodeState, topology: Topology, row: string, name: string): Promise<void> => {
    const before = own;
    // What was recorded has served its turn when Initializing is left; what is recorded as Failed says nothing.
    isFromFailed = next.state === HA_STATE.initializing && before.state === HA_STATE.failed;
    if (next.state === HA_STATE.initializing) recorded = before.state === HA_STATE.failed ? null : recorded;
    else recorded = null;
    own = next;
    since = clock.monotonic();
    sequence += 1;
    await write(topology);
    log.info(
      { row, from: STATE_NAMES[before.state], to: STATE_NAMES[next.state], reason: next.reason, detail: name },
      'high availability state changed',
    );
    tell(topology);
    needs.onMove();
  };

  return {
    get own() {
      return own;
    },
    get sequence() {
      return sequence;
    },
    get forMs() {
      return clock.monotonic() - since;
    },
    get recovers() {
      return recovers;
    },
    async apply(event, topology) {
      const isRecovering = isFromFailed && clock.monotonic() - since < RECOVERING_MS;
      const decided = transition(needs.facts({ own, recorded, isRecovering }), event);
      if (decided.kind === 'stay') return false;
      recovers = decided.recovers;
      await become(decided.to, topology, decided.row, decided.name);
      return true;
    },
    async rest(topology) {
      const written = await ids.read
        .selectFrom('enterprisenode')
        .where('id', '=', topology.own.id)
        .select(['tkhaserverstate', 'hareason'])
        .executeTakeFirst();
      const isWritten = written?.tkhaserverstate === NOT_ENABLED.state && written.hareason === NOT_ENABLED.reason;
      if (own.state !== NOT_ENABLED.state || !isWritten) {
        own = NOT_ENABLED;
        await write(topology);
        tell(topology);
      }
    },
    async noteOther(id, state) {
      const said = `${state.state} ${state.reason}`;
      if (writtenOthers.get(id) === said) return;
      await writeOther(ids, id, state);
      writtenOthers.set(id, said);
    },
    async catchUp(topology) {
      if (isUnwritten) await write(topology);
    },
  };
}
