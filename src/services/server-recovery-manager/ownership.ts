import type { Datastore, DatastoreEngine } from '../../datastore/datastore.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';

/**
 * Who serves the users of which home node: a lease in the store that the nodes share, so that two nodes never serve one
 * user at once. Whoever cannot reach the store cannot reach its sessions either, and its lease runs out. Each new holder
 * has a higher epoch.
 */
export interface Ownership {
  /** Takes the lease of a home node, or renews it; false while another node has it. @throws ImpError kind `unavailable` */
  hold(home: number): Promise<boolean>;
  /** Gives the lease up; nothing happens when another node has it. */
  release(home: number): Promise<void>;
  /** No longer ours for anybody here; `release` is to follow. */
  drop(home: number): void;
  /** The epoch while this node holds the lease, else undefined. Asks nobody. */
  epochOf(home: number): number | undefined;
  /** Name of the node that has the lease. @throws ImpError kind `unavailable` */
  holderOf(home: number): Promise<string | undefined>;
}

interface Lease {
  readonly node: string;
  /** Of the row that counts epochs; 0 in a lease. */
  readonly epoch: number;
}

/** A lease that is nearly over is left to run out: the next holder's must not be deleted in its stead. */
const RELEASE_MARGIN_MS = 1_000;

export function createOwnership(needs: {
  readonly engine: DatastoreEngine;
  readonly clock: Clock;
  readonly nodeName: string;
  /** A holder that is not heard of for this long has lost it. */
  readonly leaseMs: number;
}): Ownership {
  const { clock, nodeName, leaseMs } = needs;
  let opened: Datastore<Lease> | undefined;
  const store = (): Datastore<Lease> => {
    opened ??= needs.engine.open<Lease>({ name: 'ownership', indexes: {} });
    return opened;
  };
  const held = new Map<number, { readonly until: number; readonly epoch: number }>();
  const leaseKey = (home: number): string => `lease/${home}`;
  const epochKey = (home: number): string => `epoch/${home}`;

  const epochOf = (home: number): number | undefined => {
    const known = held.get(home);
    return known !== undefined && clock.monotonic() < known.until ? known.epoch : undefined;
  };

  /** The lease's life as this node may trust it: counted from before the store was asked. */
  const renew = async (home: number): Promise<number | undefined> => {
    const asked = clock.monotonic();
    await store().touch(leaseKey(home), leaseMs);
    const row = await store().get(leaseKey(home));
    return row?.node === nodeName ? asked + leaseMs : undefined;
  };

  return {
    epochOf,
    async hold(home) {
      const row = await store().putIfAbsent(leaseKey(home), { node: nodeName, epoch: 0 }, leaseMs);
      const until = row.node === nodeName ? await renew(home) : undefined;
      if (until === undefined) {
        held.delete(home);
        return false;
      }
      let epoch = epochOf(home);
      if (epoch === undefined) {
        // Nobody else writes the epoch: that takes the lease.
        epoch = ((await store().get(epochKey(home)))?.epoch ?? 0) + 1;
        await store().put(epochKey(home), { node: nodeName, epoch }, null);
      }
      held.set(home, { until, epoch });
      return epochOf(home) !== undefined;
    },
    drop: (home) => void held.delete(home),
    async release(home) {
      held.delete(home);
      const until = await renewed(home);
      if (until !== undefined && until - clock.monotonic() > RELEASE_MARGIN_MS) await store().delete(leaseKey(home));
    },
    async holderOf(home) {
      return (await store().get(leaseKey(home)))?.node;
    },
  };

  /** As `renew`, but never extends what another node has. */
  async function renewed(home: number): Promise<number | undefined> {
    const row = await store().get(leaseKey(home));
    return row?.node === nodeName ? await renew(home) : undefined;
  }
}

/** A node that does not hold the lease must not serve: clients are told to try later. */
export function notTheOwner(nodeName: string): ImpError {
  return new ImpError(
    'unavailable',
    'ha.not-owner',
    `${nodeName} does not own this user now: its group is changing over`,
  );
}
