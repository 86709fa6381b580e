import type { Datastore, DatastoreEngine } from '../../../src/datastore/datastore.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { ImpError } from '../../../src/platform/errors.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createMetrics } from '../../../src/platform/metrics.ts';
import { createNotifications, type Notifications } from '../../../src/platform/notifications.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service, ServiceStatus } from '../../../src/platform/service.ts';
import type { PeerHandlers, PeerTransport } from '../../../src/services/server-recovery-manager/beat.ts';
import { optionsSchema } from '../../../src/services/server-recovery-manager/options.ts';
import {
  createServerRecoveryManager,
  type ServerRecoveryManager,
} from '../../../src/services/server-recovery-manager/server-recovery-manager.ts';
import type { NodeState } from '../../../src/services/server-recovery-manager/states.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

const log = createLog({ level: 'silent' });
/** Short, so that hours need few steps. */
const TIMES = {
  keepAliveIntervalSeconds: 1,
  keepAliveTimeoutSeconds: 3,
  initializationTimeoutSeconds: 6,
  criticalServiceDelaySeconds: 2,
};

/** One node of a group of two: its own database and services, the shared store, and a link that can be cut. */
export interface HaNode {
  readonly name: string;
  readonly id: number;
  readonly ids: TestIds;
  readonly notifications: Notifications;
  readonly services: Map<string, ServiceStatus['state']>;
  /** Of the Server Recovery Manager that runs; replaced at each start. */
  manager: ServerRecoveryManager & Service;
  isStoreAway: boolean;
  isDatabaseAway: boolean;
  isMoveFailing: boolean;
  hostAnswers: boolean;
  hostId: string;
  isRunning(): boolean;
  start(): Promise<void>;
  /** @param how `goodbye` says so to the others, `kill` does not */
  stop(how: 'goodbye' | 'kill'): Promise<void>;
  /** State and reason as the IDS of this node has them, its own and its peer's. */
  stored(): Promise<readonly string[]>;
}

export interface HaWorld extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly one: HaNode;
  readonly two: HaNode;
  isLinkUp: boolean;
  /** `3 Normal / 3 Normal` */
  states(): string;
  pair(): readonly [NodeState, NodeState];
  /** Names of the nodes that serve the users of a home node now. */
  owners(home: number): readonly string[];
  setEnabled(isEnabled: boolean): Promise<void>;
  until(isSo: () => boolean, what: string): Promise<void>;
}

export async function openHaWorld(
  given: { readonly isEnabled?: boolean; readonly isStoreShared?: boolean; readonly options?: object } = {},
): Promise<HaWorld> {
  const clock = new FakeClock();
  const shared = createMemoryEngine({ clock, log, metrics: createMetrics() });
  const handlers = new Map<string, PeerHandlers>();
  const options = optionsSchema.parse({ ...TIMES, ...given.options });

  const makeNode = async (name: string, id: number): Promise<HaNode> => {
    const ids = await openTestIds({ clock });
    await ids.ids.transaction('node', async (trx) => {
      await trx
        .insertInto('enterprisesubcluster')
        .values({ id: 1, name: 'DefaultCUPSubcluster', description: '', haenabled: given.isEnabled === false ? 0 : 1 })
        .execute();
      for (const each of [1, 2]) {
        await trx
          .insertInto('enterprisenode')
          .values({
            id: each,
            name: `imp${each}`,
            address: `10.0.0.${each}`,
            subclusterid: 1,
            isprimary: each === 1 ? 1 : 0,
            tkhaserverstate: 0,
            hareason: '',
            version: '1',
          })
          .execute();
      }
    });
    const notifications = createNotifications(clock, log);
    let scope: OwnedScope | undefined;
    let isSilent = false;
    const call = async <T>(to: string, task: (handlers: PeerHandlers) => Promise<T>): Promise<T> => {
      const there = handlers.get(to);
      if (!world.isLinkUp || !there || isSilent) throw new ImpError('unavailable', 'test.link', 'the link is cut');
      const answer = await task(there);
      if (!world.isLinkUp) throw new ImpError('unavailable', 'test.link', 'the link is cut');
      return answer;
    };
    const transport: PeerTransport = {
      async listen(own) {
        handlers.set(name, own);
        return { [Symbol.asyncDispose]: async () => void handlers.delete(name) };
      },
      beat: (to, beat) => call(to.name, (there) => there.beat(beat)),
      goodbye: (to, goodbye) => call(to.name, async (there) => there.goodbye(goodbye)),
      request: (to, request) => call(to.name, (there) => there.request(request)),
    };
    const engine: DatastoreEngine = {
      open: (definition) => guarded(shared.open(definition), () => node.isStoreAway),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const made = (): ServerRecoveryManager & Service =>
      createServerRecoveryManager(
        {
          ids: {
            ...ids.ids,
            get read() {
              if (node.isDatabaseAway) throw new ImpError('unavailable', 'test.database', 'the database is away');
              return ids.ids.read;
            },
            transaction: (origin, task) => {
              if (node.isDatabaseAway) throw new ImpError('unavailable', 'test.database', 'the database is away');
              return ids.ids.transaction(origin, task);
            },
          },
          changeFeed: ids.changeFeed,
          engine,
          isStoreShared: given.isStoreShared ?? true,
          transport,
          services: () => ({
            status: () =>
              [...node.services].map(
                ([service, state]) => ({ name: service, state, isActivated: true, isXcp: false }) as ServiceStatus,
              ),
            start: async (service) => void node.services.set(service, 'Started'),
            stop: async (service) => void node.services.set(service, 'Stopped'),
          }),
          users: {
            async take() {
              if (node.isMoveFailing) throw new Error('users cannot be loaded');
              return 10;
            },
            leave: async () => undefined,
          },
          replicationState: () => 2,
          hostAnswers: async () => other(node).hostAnswers,
          hostId: node.hostId,
          isNodeGoingDown: () => !isSilent,
          nodeName: name,
          clock,
          log,
          metrics: ids.metrics,
          alarms: ids.alarms,
          notifications,
        },
        options,
      );
    const node: HaNode = {
      name,
      id,
      ids,
      notifications,
      services: new Map([
        ['route-datastore', 'Started'],
        ['presence-engine', 'Started'],
        ['sip-proxy', 'Started'],
        ['client-profile-agent', 'Started'],
      ]),
      manager: undefined as unknown as ServerRecoveryManager & Service,
      isStoreAway: false,
      isDatabaseAway: false,
      isMoveFailing: false,
      hostAnswers: true,
      hostId: `host-of-${name}`,
      isRunning: () => scope !== undefined,
      async start() {
        if (scope) return;
        isSilent = false;
        node.manager = made();
        scope = createScope(clock, (error) => {
          throw error;
        });
        await node.manager.start(scope);
      },
      async stop(how) {
        const open = scope;
        if (!open) return;
        isSilent = how === 'kill';
        if (isSilent) handlers.delete(name);
        scope = undefined;
        await open.close();
      },
      async stored() {
        const rows = await ids.ids.read.selectFrom('enterprisenode').selectAll().orderBy('id').execute();
        return rows.map((row) => `${row.name} ${row.tkhaserverstate} ${row.hareason}`);
      },
    };
    node.manager = made();
    return node;
  };

  const other = (node: HaNode): HaNode => (node === world.one ? world.two : world.one);
  const stateOf = (node: HaNode): string =>
    node.isRunning() ? `${node.manager.own.state} ${node.manager.own.reason}` : 'away';

  const world: HaWorld = {
    clock,
    one: undefined as unknown as HaNode,
    two: undefined as unknown as HaNode,
    isLinkUp: true,
    states: () => `${stateOf(world.one)} / ${stateOf(world.two)}`,
    pair: () => [world.one.manager.own, world.two.manager.own],
    owners: (home) =>
      [world.one, world.two]
        .filter((node) => {
          try {
            return node.isRunning() && node.manager.ownerOf(home).node === node.name;
          } catch (error) {
            if (error instanceof ImpError && error.kind === 'unavailable') return false;
            throw error;
          }
        })
        .map(({ name }) => name),
    async setEnabled(isEnabled) {
      for (const { ids } of [world.one, world.two]) {
        await ids.ids.transaction('administrator', (trx) =>
          trx
            .updateTable('enterprisesubcluster')
            .set({ haenabled: isEnabled ? 1 : 0 })
            .execute(),
        );
      }
    },
    async until(isSo, what) {
      for (let step = 0; step < 400 && !isSo(); step += 1) await clock.advance(250);
      if (!isSo()) throw new Error(`never came: ${what}; it is ${world.states()}`);
    },
    async [Symbol.asyncDispose]() {
      await world.one.stop('kill');
      await world.two.stop('kill');
      await shared[Symbol.asyncDispose]();
      await world.one.ids[Symbol.asyncDispose]();
      await world.two.ids[Symbol.asyncDispose]();
    },
  };
  Object.assign(world, { one: await makeNode('imp1', 1), two: await makeNode('imp2', 2) });
  await world.one.start();
  await world.two.start();
  return world;
}

/** A store as a node sees it that may be cut off from it. */
function guarded<Value, Index extends string>(
  store: Datastore<Value, Index>,
  isAway: () => boolean,
): Datastore<Value, Index> {
  const ask = async <T>(task: () => Promise<T>): Promise<T> => {
    if (isAway()) throw new ImpError('unavailable', 'test.store', 'the shared store is away');
    return await task();
  };
  return {
    ...store,
    get: (key) => ask(() => store.get(key)),
    put: (key, value, expiresInMs) => ask(() => store.put(key, value, expiresInMs)),
    putIfAbsent: (key, value, expiresInMs) => ask(() => store.putIfAbsent(key, value, expiresInMs)),
    touch: (key, expiresInMs) => ask(() => store.touch(key, expiresInMs)),
    delete: (key) => ask(() => store.delete(key)),
  };
}
