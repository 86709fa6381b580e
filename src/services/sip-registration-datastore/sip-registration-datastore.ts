import { z } from 'zod';
import type { Datastore, DatastoreEngine } from '../../datastore/datastore.ts';
import { createTurns } from '../../datastore/turns.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { bindingDefinition, keyOfBinding, type SipBinding, type SipBindingIndex } from './sip-binding.ts';

export type { SipBinding } from './sip-binding.ts';

const optionsSchema = z.strictObject({
  maxBindings: z
    .number()
    .int()
    .min(1)
    .default(250_000)
    .describe('Most registered contacts held; further ones are told to try later.'),
});

export type SipRegistrationDatastoreOptions = z.infer<typeof optionsSchema>;

export const sipRegistrationDatastoreDescriptor: ServiceDescriptor<SipRegistrationDatastoreOptions> = {
  name: 'sip-registration-datastore',
  title: 'Cisco SIP Registration Datastore',
  purpose: 'A real-time database for storing registrations of SIP clients.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

/** A user's contacts are not what they were. */
export interface SipRegistrationChange {
  readonly kind: 'registered' | 'refreshed' | 'removed' | 'expired';
  readonly binding: SipBinding;
}

/** What becomes of a user's bindings. */
export interface BindingChanges {
  /** New ones, and those that get a new life. */
  readonly put: readonly SipBinding[];
  readonly remove: readonly SipBinding[];
}

/** Registrations of SIP clients. Every call rejects with kind `unavailable` while the service is stopped. */
export interface SipRegistrationDatastore {
  /** What has not expired, in no order. */
  bindingsOf(address: string): Promise<readonly SipBinding[]>;
  /**
   * Changes a user's bindings, one change of a user after the other; either all of it happens or nothing. `decide` may
   * throw, which rejects.
   * @throws ImpError `datastore.full`
   */
  change<Changes extends BindingChanges>(
    address: string,
    decide: (bindings: readonly SipBinding[]) => Changes,
  ): Promise<Changes>;
  /** Takes one away, unless it was registered anew meanwhile. */
  remove(binding: SipBinding): Promise<void>;
  /** Removes everything of a user who has left the node. */
  forget(address: string): Promise<void>;
  /** Those that a node has taken. */
  bindingsOfNode(node: string): Promise<readonly SipBinding[]>;
  size(): Promise<number>;
  /** Hears every change, expiry too; goes on over restarts of the service. */
  watch(listener: (change: SipRegistrationChange) => void): Disposable;
}

export interface SipRegistrationDatastoreNeeds {
  readonly engine: DatastoreEngine;
  readonly clock: Clock;
  readonly log: Log;
}

export function createSipRegistrationDatastore(
  needs: SipRegistrationDatastoreNeeds,
  options: SipRegistrationDatastoreOptions,
): Service & SipRegistrationDatastore {
  const log = needs.log.child({ subsystem: 'sip-registration-datastore' });
  const listeners = new Set<(change: SipRegistrationChange) => void>();
  const inTurn = createTurns();
  let store: Datastore<SipBinding, SipBindingIndex> | undefined;
  let held = 0;

  const open = (): Datastore<SipBinding, SipBindingIndex> => {
    if (store) return store;
    throw new ImpError(
      'unavailable',
      'sip-registration-datastore.stopped',
      'the SIP Registration Datastore is not running',
    );
  };

  const bindingsOf = async (address: string): Promise<readonly SipBinding[]> =>
    (await open().query('address', address)).map(({ value }) => value);

  /** Puts all of them or none: when the store is full in the middle, what was put is taken back. */
  const putAll = async (bindings: readonly SipBinding[]): Promise<void> => {
    const rows = open();
    const undo: (() => Promise<unknown>)[] = [];
    try {
      for (const binding of bindings) {
        const key = keyOfBinding(binding);
        const previous = await rows.get(key);
        const left = (of: SipBinding): number => Math.max(1, of.expiresAt - needs.clock.now());
        await rows.put(key, binding, left(binding));
        undo.push(() => (previous ? rows.put(key, previous, left(previous)) : rows.delete(key)));
      }
    } catch (error) {
      for (const back of undo.reverse()) await back();
      throw error;
    }
  };

  return {
    bindingsOf,
    change: (address, decide) =>
      inTurn(address, async () => {
        const changes = decide(await bindingsOf(address));
        await putAll(changes.put);
        for (const binding of changes.remove) await open().delete(keyOfBinding(binding));
        return changes;
      }),
    remove: (binding) =>
      inTurn(binding.address, async () => {
        const key = keyOfBinding(binding);
        const present = await open().get(key);
        if (present?.callId === binding.callId && present.cseq === binding.cseq) await open().delete(key);
      }),
    forget: (address) =>
      inTurn(address, async () => {
        for (const binding of await bindingsOf(address)) await open().delete(keyOfBinding(binding));
      }),
    bindingsOfNode: async (node) => (await open().query('node', node)).map(({ value }) => value),
    size: () => open().size(),
    watch(listener) {
      // A function of its own per watch: the same listener may watch twice.
      const own = (change: SipRegistrationChange): void => listener(change);
      listeners.add(own);
      return { [Symbol.dispose]: () => void listeners.delete(own) };
    },

    async start(scope) {
      const opened = needs.engine.open(bindingDefinition(options.maxBindings));
      const watch = opened.watch((event) => {
        const isNew = event.kind === 'put' && event.previous === undefined;
        if (event.kind !== 'put') held -= 1;
        else if (isNew) held += 1;
        const binding = event.kind === 'put' ? event.value : event.previous;
        const kind =
          event.kind === 'expire'
            ? 'expired'
            : event.kind === 'delete'
              ? 'removed'
              : isNew
                ? 'registered'
                : 'refreshed';
        for (const listener of listeners) listener({ kind, binding });
      });
      scope.defer(() => watch[Symbol.dispose]());
      held = await opened.size();
      store = opened;
      scope.defer(() => {
        store = undefined;
      });
      log.info({ bindings: held }, 'SIP registration datastore ready');
    },
    detail: () => (store ? `holds ${held} registered contact${held === 1 ? '' : 's'}` : 'closed'),
  };
}
