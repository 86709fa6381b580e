import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { ServiceStatus } from '../../platform/service.ts';
import { servingServices } from './critical-services.ts';
import type { HaEvent, Health } from './facts.ts';
import type { Ownership } from './ownership.ts';
import type { Topology } from './record.ts';
import { dutiesOf, HA_STATE, type NodeState } from './states.ts';

/** What moving users means to the services of the node. */
export interface UserMover {
  /** The users of a home node are served here from now on. @returns how many */
  take(home: number): Promise<number>;
  /** They are served here no longer: their clients are disconnected. */
  leave(home: number): Promise<void>;
}

export interface ServiceControl {
  status(): readonly ServiceStatus[];
  start(name: string, by: string): Promise<unknown>;
  stop(name: string, by: string): Promise<unknown>;
}

export interface DutiesNeeds {
  readonly ownership: Ownership;
  readonly users: UserMover;
  readonly services: ServiceControl;
  readonly clock: Clock;
  readonly log: Log;
  readonly renewMs: number;
  /** Background work of the service's life. */
  readonly run: (task: () => Promise<void>) => void;
}

/** Makes a node do what its state says: hold and give up users, stop and start services. Safe to repeat. */
export interface Duties {
  /** One pass; answers the event that it gives rise to. */
  step(own: NodeState, topology: Topology, health: Health): Promise<HaEvent | undefined>;
  /** Users of this home node are served here now. */
  serves(home: number): boolean;
  /** The store that says who owns whom could not be reached. */
  readonly isStoreAway: boolean;
  /** Services stopped because the node is Idle. */
  readonly commanded: ReadonlySet<string>;
}

const BY = 'high availability';

export function createDuties(needs: DutiesNeeds): Duties {
  const { ownership, users, clock, log } = needs;
  /** Homes whose users are here: taken, and not given up yet. */
  const here = new Set<number>();
  const renewedAt = new Map<number, number>();
  const commanded = new Set<string>();
  let isStoreAway = false;
  let isMovingServices = false;

  const hold = async (home: number): Promise<boolean> => {
    const isDue = clock.monotonic() - (renewedAt.get(home) ?? Number.NEGATIVE_INFINITY) >= needs.renewMs;
    if (ownership.epochOf(home) !== undefined && !isDue) return true;
    const isHeld = await ownership.hold(home);
    if (isHeld) renewedAt.set(home, clock.monotonic());
    return isHeld;
  };

  const leave = async (home: number): Promise<void> => {
    if (!here.has(home) && ownership.epochOf(home) === undefined) return;
    ownership.drop(home);
    renewedAt.delete(home);
    await users.leave(home);
    here.delete(home);
    await ownership.release(home);
    log.info({ home }, 'users given up');
  };

  const take = async (home: number): Promise<boolean> => {
    if (here.has(home)) return false;
    const count = await users.take(home);
    here.add(home);
    log.info({ home, users: count }, 'users taken');
    return true;
  };

  const moveServices = (own: NodeState): void => {
    const isIdle =
      own.state === HA_STATE.idle || (own.state === HA_STATE.failingOver && own.reason === 'On Admin Request');
    const serving = servingServices(needs.services.status());
    const toStop = isIdle
      ? serving.filter((each) => each.state === 'Started' || each.state === 'Starting').reverse()
      : [];
    const toStart = isIdle ? [] : serving.filter((each) => commanded.has(each.name));
    if (isMovingServices || (toStop.length === 0 && toStart.length === 0)) return;
    isMovingServices = true;
    for (const { name } of toStop) commanded.add(name);
    needs.run(async () => {
      try {
        for (const { name } of toStop) await needs.services.stop(name, BY);
        for (const { name } of toStart) {
          commanded.delete(name);
          await needs.services.start(name, BY);
        }
      } catch (error) {
        // Somebody else commands the same service: the next pass looks again.
        log.warn({ err: describeError(error) }, 'a critical service could not be commanded');
      } finally {
        isMovingServices = false;
      }
    });
  };

  const step = async (own: NodeState, topology: Topology, health: Health): Promise<HaEvent | undefined> => {
    const { partner } = topology;
    if (!partner) return undefined;
    const wanted = dutiesOf(own.state);
    if (wanted.peer === 'none') await leave(partner.id);
    if (!wanted.own) await leave(topology.own.id);
    if (wanted.own) {
      const hadIt = renewedAt.has(topology.own.id);
      const isOwn = await hold(topology.own.id);
      if (!isOwn && hadIt && (await ownership.holderOf(topology.own.id)) === partner.name) {
        renewedAt.delete(topology.own.id);
        await users.leave(topology.own.id);
        here.delete(topology.own.id);
        return { kind: 'ownership-lost' };
      }
      if (isOwn && (own.state !== HA_STATE.takingBack || health === 'up')) {
        await take(topology.own.id);
        if (own.state === HA_STATE.takingBack) return { kind: 'users-back' };
      }
    }
    const isPeerWanted =
      wanted.peer === 'serve' || (wanted.peer === 'keep' && ownership.epochOf(partner.id) !== undefined);
    if (isPeerWanted && (await hold(partner.id))) {
      await take(partner.id);
      if (own.state === HA_STATE.takingOver) return { kind: 'users-taken' };
    }
    return undefined;
  };

  return {
    async step(own, topology, health) {
      moveServices(own);
      try {
        const event = await step(own, topology, health);
        isStoreAway = false;
        return event;
      } catch (error) {
        if (error instanceof ImpError && error.kind === 'unavailable') {
          // What is held runs out by itself; who cannot reach the store cannot serve.
          isStoreAway = true;
          log.warn({ err: describeError(error) }, 'ownership of users cannot be looked at');
          return undefined;
        }
        log.error({ err: describeError(error) }, 'users could not be moved');
        if (own.state === HA_STATE.takingOver) return { kind: 'taking-failed' };
        if (own.state === HA_STATE.takingBack || own.state === HA_STATE.fallingBack)
          return { kind: 'taking-back-failed' };
        // They are not served here until the next pass succeeds.
        return undefined;
      }
    },
    serves: (home) => here.has(home) && ownership.epochOf(home) !== undefined,
    get isStoreAway() {
      return isStoreAway;
    },
    commanded,
  };
}
