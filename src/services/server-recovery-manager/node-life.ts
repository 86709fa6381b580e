import { describeError, ImpError } from '../../platform/errors.ts';
import type { Scope } from '../../platform/service.ts';
import type { Action, Beat, PeerHandlers } from './beat.ts';
import { createHealth, type HealthView } from './critical-services.ts';
import { createDuties, type ServiceControl } from './duties.ts';
import type { Facts, HaEvent } from './facts.ts';
import { createHeartbeats, type Heartbeats } from './heartbeats.ts';
import { createMachine } from './machine.ts';
import { AUTOMATIC_FALLBACK_MS, type ServerRecoveryManagerOptions } from './options.ts';
import { createOwnership } from './ownership.ts';
import { type GroupNode, readRecord, type Topology } from './record.ts';
import type { ServerRecoveryManagerNeeds } from './server-recovery-manager.ts';
import { describeNode, HA_STATE, type HaState, isStable, type NodeState } from './states.ts';

export interface NodeLifeNeeds extends Omit<ServerRecoveryManagerNeeds, 'services'> {
  readonly services: ServiceControl;
  /** This process's Server Recovery Manager. */
  readonly start: string;
  readonly gauge: (state: HaState) => void;
  readonly inTurn: <T>(key: string, task: () => Promise<T>) => Promise<T>;
}

/** One life of the service: what it knows of itself and of its partner, and how it comes to its decisions. */
export interface NodeLife {
  readonly own: NodeState;
  readonly topology: Topology;
  readonly heartbeats: Heartbeats;
  readonly health: HealthView;
  beat(): Beat;
  epochOf(home: number): number | undefined;
  /** The topology has changed. */
  arrange(topology: Topology): Promise<void>;
  /** An administrator's request about this node. @throws ImpError `ha.not-now` */
  request(action: Action): Promise<void>;
  /** The partner as it was heard last; undefined while it is silent. */
  partnerBeat(): Beat | undefined;
  sentence(): string;
}

/** How often a node with a partner looks around; one without never does. */
const LOOK_MS = 500;
/** After a split, both nodes recover by themselves this long after they were Failed. */
const RECOVER_AFTER_MS = 10_000;
const TURN = 'state';

export async function createNodeLife(
  needs: NodeLifeNeeds,
  options: ServerRecoveryManagerOptions,
  first: Topology,
  scope: Scope,
): Promise<NodeLife> {
  const { clock, log, ids, transport } = needs;
  const timeoutMs = options.keepAliveTimeoutSeconds * 1_000;
  const intervalMs = options.keepAliveIntervalSeconds * 1_000;
  /** A transition that takes longer has failed. */
  const transitionMs = timeoutMs + options.criticalServiceDelaySeconds * 1_000;
  const parameters = [intervalMs / 1_000, timeoutMs / 1_000, options.initializationTimeoutSeconds]
    .concat(options.criticalServiceDelaySeconds, options.clientReLoginLowerSeconds, options.clientReLoginUpperSeconds)
    .join('/');
  let topology = first;
  let isDatabaseUp = true;
  let isLooking = false;
  let listening: AsyncDisposable | undefined;

  const ownership = createOwnership({ engine: needs.engine, clock, nodeName: needs.nodeName, leaseMs: timeoutMs });
  const duties = createDuties({
    ownership,
    users: needs.users,
    services: needs.services,
    clock,
    log,
    renewMs: Math.min(intervalMs, timeoutMs / 3),
    run: (task) => scope.run(task),
  });
  const health = createHealth({
    services: () => needs.services.status(),
    monitorsAuthentication: options.monitorAuthenticationService,
    delayMs: options.criticalServiceDelaySeconds * 1_000,
    clock,
    commanded: duties.commanded,
  });
  let view = health.look(true);

  const heartbeats = createHeartbeats({
    transport,
    clock,
    log,
    metrics: needs.metrics,
    own: () => beat(),
    onHeard: (heard, isHostNew) => {
      if (heard.node !== topology.partner?.name) return;
      scope.run(() =>
        needs.inTurn(TURN, async () => {
          if (isHostNew) await machine.apply({ kind: 'peer-host-restarted' }, topology);
          await pursue({ kind: 'peer-heard' });
        }),
      );
    },
    hostAnswers: needs.hostAnswers,
  });

  const partnerBeat = (): Beat | undefined => {
    const heard = topology.partner ? heartbeats.last(topology.partner.name) : undefined;
    return heard && heard.beat.group === topology.group.id && clock.monotonic() - heard.at < timeoutMs
      ? heard.beat
      : undefined;
  };

  const factsOf = (known: Pick<Facts, 'own' | 'recorded' | 'isRecovering'>): Facts => {
    const peer = partnerBeat();
    return {
      ...known,
      health: view.health,
      peer: peer ? { state: peer.state, reason: peer.reason, health: peer.health } : null,
      holdsPeerUsers: topology.partner !== null && ownership.epochOf(topology.partner.id) !== undefined,
      hasLowerId: topology.own.id < (topology.partner?.id ?? 0),
    };
  };

  const machine = createMachine(
    {
      ...needs,
      facts: factsOf,
      onMove: () => {
        needs.gauge(machine.own.state);
        tellOthers();
      },
    },
    { recorded: await readRecord(ids, needs.nodeName) },
  );

  const beat = (): Beat => ({
    node: needs.nodeName,
    group: topology.group.id,
    version: topology.own.version,
    start: needs.start,
    host: needs.hostId,
    sequence: machine.sequence,
    state: machine.own.state,
    reason: machine.own.reason,
    health: view.health,
    down: view.down.slice(0, 32),
    ownership: [topology.own, topology.partner].flatMap((node) => {
      const epoch = node ? ownership.epochOf(node.id) : undefined;
      return node && epoch !== undefined ? [{ home: node.id, epoch }] : [];
    }),
    replicationState: needs.replicationState(),
    parameters,
  });

  const everybodyElse = (): readonly GroupNode[] =>
    topology.partner ? [topology.partner, ...topology.others] : topology.others;
  const tellOthers = (): void => {
    for (const node of everybodyElse()) heartbeats.send(node);
  };

  /** Takes an event, and does what follows from it, until nothing does. */
  const pursue = async (event?: HaEvent): Promise<void> => {
    if (event) await machine.apply(event, topology);
    for (;;) {
      const next = await duties.step(machine.own, topology, view.health);
      if (!next || !(await machine.apply(next, topology))) return;
    }
  };

  /** Nothing heard from the partner: is it gone, is it we who are cut off, or are only heartbeats lost? */
  const judgeSilence = async (partner: GroupNode): Promise<HaEvent | undefined> => {
    const isStarting = machine.own.state === HA_STATE.initializing;
    const limitMs = isStarting ? options.initializationTimeoutSeconds * 1_000 : timeoutMs;
    const silence = heartbeats.silenceMs(partner.name);
    const silentMs = isStarting ? Math.min(silence, machine.forMs) : silence;
    if (silentMs >= Math.min(3 * intervalMs, limitMs / 2)) heartbeats.probe(partner);
    if (silentMs < limitMs) return undefined;
    try {
      for (const home of [partner.id, topology.own.id]) {
        // It still renews what it owns: it lives, and only heartbeats are lost.
        if ((await ownership.holderOf(home)) === partner.name) return undefined;
      }
    } catch (error) {
      log.warn({ err: describeError(error) }, 'neither the peer nor the shared store can be reached');
      return { kind: 'isolated' };
    }
    if (isStarting) return { kind: 'peer-silent-at-start' };
    return { kind: 'peer-silent', cause: heartbeats.isHostGone(partner.name) ? 'Peer Reboot' : 'Peer Down' };
  };

  const overdue = (): HaEvent | undefined => {
    const { state } = machine.own;
    if (isStable(state) || state === HA_STATE.initializing || machine.forMs < transitionMs) return undefined;
    if (state === HA_STATE.takingBack && view.health !== 'up') return { kind: 'services-not-started' };
    return {
      kind: state === HA_STATE.takingOver || state === HA_STATE.failingOver ? 'taking-failed' : 'taking-back-failed',
    };
  };

  const recoverBoth = async (): Promise<void> => {
    if (topology.partner && partnerBeat()) {
      await transport.request(topology.partner, { action: 'recover', by: 'high availability' });
    }
    await pursue({ kind: 'automatic-recovery' });
  };

  const look = async (): Promise<void> => {
    const { partner } = topology;
    if (!partner) return;
    view = health.look(isDatabaseUp);
    await machine.catchUp(topology);
    if (!topology.group.isEnabled) {
      await pursue({ kind: 'ha-disabled' });
    } else {
      if (machine.own.state === HA_STATE.unknown) await pursue({ kind: 'ha-enabled' });
      if (view.health === 'down') await pursue({ kind: isDatabaseUp ? 'services-down' : 'database-down' });
      if (view.health === 'up') await pursue({ kind: 'services-up' });
      if (partnerBeat()) await pursue({ kind: 'peer-heard' });
      const silence = await judgeSilence(partner);
      if (silence) await pursue(silence);
      const late = overdue();
      if (late) await pursue(late);
      const isWell = machine.own.state === HA_STATE.failedOver && machine.forMs >= AUTOMATIC_FALLBACK_MS;
      if (options.automaticFallback && isWell) await pursue({ kind: 'automatic-fallback' });
      if (machine.recovers && machine.own.state === HA_STATE.failed && machine.forMs >= RECOVER_AFTER_MS) {
        await recoverBoth();
      }
    }
    await pursue();
    for (const node of everybodyElse()) {
      const heard = heartbeats.last(node.name);
      if (!heard) continue;
      const isSilent = heartbeats.silenceMs(node.name) >= timeoutMs;
      await machine.noteOther(node.id, isSilent ? { state: HA_STATE.down, reason: 'Peer Down' } : heard.beat);
    }
  };

  const lookAgain = async (): Promise<void> => {
    try {
      await needs.inTurn(TURN, look);
    } catch (error) {
      // Such as a peer that cannot be told to recover: the next look tries again.
      if (!(error instanceof ImpError) || error.kind === 'internal') throw error;
      log.warn({ err: describeError(error) }, 'a look at the group was cut short');
    }
  };

  const databaseAnswers = async (): Promise<boolean> => {
    try {
      await ids.read.selectFrom('enterprisenode').select('id').limit(1).execute();
      return true;
    } catch (error) {
      log.error({ err: describeError(error) }, 'the database does not answer');
      return false;
    }
  };

  const handlers: PeerHandlers = {
    async beat(heard) {
      heartbeats.take(heard);
      return beat();
    },
    goodbye: (goodbye) => heartbeats.takeGoodbye(goodbye),
    request: ({ action, by }) => {
      log.info({ action, by }, 'asked by another node');
      return life.request(action);
    },
  };

  const watch = async (): Promise<void> => {
    if (everybodyElse().length === 0 || isLooking) return;
    isLooking = true;
    listening = await transport.listen(handlers);
    scope.defer(async () => {
      await listening?.[Symbol.asyncDispose]();
      await Promise.allSettled(
        everybodyElse().map((node) =>
          transport.goodbye(node, {
            node: needs.nodeName,
            start: needs.start,
            isNodeGoingDown: needs.isNodeGoingDown(),
          }),
        ),
      );
    });
    scope.every(LOOK_MS, lookAgain);
    scope.every(intervalMs, async () => {
      tellOthers();
      isDatabaseUp = await databaseAnswers();
    });
  };

  const life: NodeLife = {
    get own() {
      return machine.own;
    },
    get topology() {
      return topology;
    },
    get health() {
      view = health.look(isDatabaseUp);
      return view;
    },
    heartbeats,
    beat,
    epochOf: (home) => (duties.serves(home) ? ownership.epochOf(home) : undefined),
    partnerBeat,
    async arrange(next) {
      await needs.inTurn(TURN, async () => {
        topology = next;
        if (!next.partner) await machine.rest(next);
      });
      await watch();
      tellOthers();
      await lookAgain();
    },
    request: (action) =>
      needs.inTurn(TURN, async () => {
        // One that is not Failed has nothing to recover from.
        if (action === 'recover' && machine.own.state !== HA_STATE.failed) return;
        const before = machine.own;
        if (await machine.apply({ kind: action }, topology)) {
          await pursue();
          return;
        }
        const peer = partnerBeat();
        const partner = topology.partner?.name ?? '';
        const other = peer ? describeNode(partner, peer) : partner === '' ? 'no partner' : `${partner} is not heard`;
        const states = `${describeNode(topology.own.name, before)}, ${other}`;
        const { down: missing } = life.health;
        const down = missing.length > 0 ? `; critical services down here: ${missing.join(', ')}` : '';
        throw new ImpError('conflict', 'ha.not-now', `${action} is not possible now: ${states}${down}`);
      }),
    sentence() {
      if (!topology.partner) return 'one node: high availability is not enabled';
      const { name } = topology.partner;
      const heard = heartbeats.last(name);
      const seconds = Math.round(heartbeats.silenceMs(name) / 1000);
      const peer = heard ? `${describeNode(name, heard.beat)}, heard ${seconds} s ago` : `${name} has not been heard`;
      return `${describeNode(topology.own.name, machine.own)}; ${peer}${duties.isStoreAway ? '; the shared store is away' : ''}`;
    },
  };
  if (topology.partner) await machine.apply({ kind: 'started' }, topology);
  return life;
}
