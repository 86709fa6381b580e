import type { Alarms } from './alarms.ts';
import { type Clock, sleep } from './clock.ts';
import { ImpError } from './errors.ts';
import type { Log } from './log.ts';
import { createManagedService, type ManagedService } from './managed-service.ts';
import type { Service, ServiceDescriptor, ServiceStatus } from './service.ts';
import { CARRIER } from './service-effects.ts';

/** A declared service together with what was made of it. */
export interface MadeService {
  readonly descriptor: ServiceDescriptor<unknown>;
  readonly service: Service;
}

/** Which feature services are activated; kept durably by its owner. */
export interface ActivationStore {
  isActivated(service: string): boolean;
  save(service: string, isActivated: boolean): Promise<void>;
}

/** Holds services back until the node's data is good. */
export interface Gate {
  readonly isOpen: boolean;
  /** What it waits for, as a clause. */
  readonly waitsFor: string;
}

export interface SupervisorNeeds {
  /** In the order of starting (docs/services/supervisor.md); dependencies may only refine it. */
  readonly services: readonly MadeService[];
  readonly activations: ActivationStore;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
}

/** Starts, watches and stops the services of a node: what the Control Center shows and does. */
export interface Supervisor extends AsyncDisposable {
  /** Starts every activated service, each when its needs are met; returns at once. */
  startAll(): void;
  /** Stops everything in the reverse order. */
  stopAll(): Promise<void>;
  status(): readonly ServiceStatus[];
  /** By folder name or title, case-insensitive. @throws ImpError `not-found` */
  statusOf(name: string): ServiceStatus;
  start(name: string, by: string): Promise<ServiceStatus>;
  stop(name: string, by: string): Promise<ServiceStatus>;
  restart(name: string, by: string): Promise<ServiceStatus>;
  activate(name: string, by: string): Promise<ServiceStatus>;
  deactivate(name: string, by: string): Promise<ServiceStatus>;
  /** Every activated service is Started. */
  readonly isComplete: boolean;
  /** Called after each change of a state. */
  onChange(listener: () => void): Disposable;
  /** The gate or something else outside may have changed: waiting services look again. */
  poke(): void;
}

/** How long an answer to start or restart waits for the outcome before it reports "Starting". */
const SETTLE_MS = 10_000;

export function createSupervisor(needs: SupervisorNeeds): Supervisor {
  const listeners = new Set<() => void>();
  const byName = new Map<string, ManagedService>();
  const changed = (): void => {
    for (const managed of byName.values()) managed.poke();
    for (const listener of listeners) listener();
  };
  const descriptors = new Map(needs.services.map((made) => [made.descriptor.name, made.descriptor]));
  const order = sortByNeeds(needs.services);
  for (const { descriptor, service } of order) {
    byName.set(
      descriptor.name,
      createManagedService(descriptor, service, {
        clock: needs.clock,
        log: needs.log,
        alarms: needs.alarms,
        isActivated: () => descriptor.kind === 'network' || needs.activations.isActivated(descriptor.name),
        obstacle: () => {
          if (descriptor.waitsForDataMonitor && !needs.gate.isOpen) return needs.gate.waitsFor;
          const missing = descriptor.dependsOn.find((name) => byName.get(name)?.state !== 'Started');
          return missing === undefined ? null : `${descriptors.get(missing)?.title ?? missing} to be started`;
        },
        onChange: changed,
      }),
    );
  }
  const all = [...byName.values()];

  const find = (name: string): ManagedService => {
    const wanted = name.trim().toLowerCase();
    const found = all.find(({ descriptor }) => descriptor.name === wanted || descriptor.title.toLowerCase() === wanted);
    if (!found) throw new ImpError('not-found', 'service.unknown', `there is no service named ${name}`);
    return found;
  };

  const onceSettled = async (managed: ManagedService): Promise<ServiceStatus> => {
    const done = new AbortController();
    const isSettled = (): boolean => {
      const { state, waitingFor, reason } = managed.status();
      return (
        state === 'Started' || state === 'Stopped' || waitingFor !== null || reason.code === 'Component is not running'
      );
    };
    if (!isSettled()) {
      await Promise.race([
        new Promise<void>((resolve) => {
          const listener = (): void => {
            if (!isSettled()) return;
            listeners.delete(listener);
            resolve();
          };
          listeners.add(listener);
        }),
        sleep(needs.clock, SETTLE_MS, done.signal).catch(() => undefined),
      ]);
      done.abort();
    }
    return managed.status();
  };

  const carried = (): ManagedService[] =>
    all.filter(({ descriptor }) => descriptor.isXcp && descriptor.name !== CARRIER);

  const commanded = { code: 'Commanded Out of Service', text: 'stopped by an administrator' } as const;

  /** "If you turn off the XCP Router, all other XCP services stop"; starting it later starts only itself. */
  const stop = async (managed: ManagedService, by: string): Promise<void> => {
    if (managed.descriptor.name === CARRIER) {
      for (const other of carried().reverse()) {
        if (other.isWanted) {
          await other.stop('cascade', { code: 'Commanded Out of Service', text: 'XCP Router stopped' });
        }
      }
    }
    await managed.stop(by, commanded);
  };

  const supervisor: Supervisor = {
    startAll() {
      for (const managed of all) if (managed.status().isActivated) managed.start('node');
    },
    async stopAll() {
      const features = all.filter(({ descriptor }) => descriptor.kind === 'feature').reverse();
      const networks = all.filter(({ descriptor }) => descriptor.kind === 'network').reverse();
      for (const managed of [...features, ...networks]) {
        if (managed.state !== 'Stopped') {
          await managed.stop('node', { code: 'Commanded Out of Service', text: 'the node is shutting down' });
        }
      }
    },
    status: () => all.map((managed) => managed.status()),
    statusOf: (name) => find(name).status(),
    async start(name, by) {
      const managed = find(name);
      managed.start(by);
      return await onceSettled(managed);
    },
    async stop(name, by) {
      const managed = find(name);
      await stop(managed, by);
      return managed.status();
    },
    /** "If you restart the XCP Router, all active XCP services are restarted": those stopped by hand stay stopped. */
    async restart(name, by) {
      const managed = find(name);
      if (
        managed.state === 'Starting' &&
        managed.status().waitingFor === null &&
        managed.status().reason.code === 'None'
      ) {
        throw new ImpError('conflict', 'service.starting', `${managed.descriptor.title} is starting`);
      }
      if (!managed.status().isActivated) {
        throw new ImpError('conflict', 'service.not-activated', `${managed.descriptor.title} is not activated`);
      }
      const active = managed.descriptor.name === CARRIER ? carried().filter((other) => other.isWanted) : [];
      await stop(managed, by);
      managed.start(by);
      const status = await onceSettled(managed);
      for (const other of active) other.start('cascade');
      await Promise.all(active.map(onceSettled));
      return status;
    },
    async activate(name, by) {
      const managed = find(name);
      requireFeature(managed, 'activated');
      await needs.activations.save(managed.descriptor.name, true);
      managed.start(by);
      return await onceSettled(managed);
    },
    async deactivate(name, by) {
      const managed = find(name);
      requireFeature(managed, 'deactivated');
      await stop(managed, by);
      await needs.activations.save(managed.descriptor.name, false);
      changed();
      return managed.status();
    },
    get isComplete() {
      return all.every((managed) => !managed.status().isActivated || managed.state === 'Started');
    },
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    poke: changed,
    [Symbol.asyncDispose]: () => supervisor.stopAll(),
  };
  return supervisor;
}

function requireFeature(managed: ManagedService, what: string): void {
  if (managed.descriptor.kind === 'feature') return;
  throw new ImpError(
    'conflict',
    'service.network-service',
    `${managed.descriptor.title} is a network service: it cannot be ${what}, only started and stopped`,
  );
}

/**
 * Orders services so that each follows what it depends on, otherwise as declared.
 * @throws ImpError `service.dependency` naming the missing service or the whole circle.
 */
export function sortByNeeds(services: readonly MadeService[]): MadeService[] {
  const byName = new Map(services.map((made) => [made.descriptor.name, made]));
  const sorted: MadeService[] = [];
  const done = new Set<string>();
  const visit = (made: MadeService, path: readonly string[]): void => {
    const { name, dependsOn } = made.descriptor;
    if (done.has(name)) return;
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name].join(' → ');
      throw new ImpError('internal', 'service.dependency', `services depend on each other in a circle: ${circle}`);
    }
    for (const needed of dependsOn) {
      const other = byName.get(needed);
      if (!other) {
        throw new ImpError('internal', 'service.dependency', `${name} depends on ${needed}, which does not exist`);
      }
      visit(other, [...path, name]);
    }
    done.add(name);
    sorted.push(made);
  };
  for (const made of services) visit(made, []);
  return sorted;
}
