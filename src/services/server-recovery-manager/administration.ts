import type { Ids } from '../../ids/ids.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Action, PeerTransport } from './beat.ts';
import { type EnablingProblem, enablingProblems } from './enabling.ts';
import type { NodeLife } from './node-life.ts';
import { readGroups } from './record.ts';
import { HA_STATE, STATE_NAMES } from './states.ts';

/** What `imp ha status` shows. */
export interface HaOverview {
  readonly groups: readonly {
    readonly group: string;
    readonly isEnabled: boolean;
    readonly nodes: readonly {
      readonly name: string;
      readonly isHere: boolean;
      readonly number: number;
      readonly state: string;
      readonly reason: string;
      /** Of the last heartbeat; null for this node, and for one that has not been heard. */
      readonly heardSecondsAgo: number | null;
      readonly roundTripMs: number | null;
      readonly servicesDown: readonly string[];
    }[];
  }[];
  /** What stands against high availability of this node's group. */
  readonly problems: readonly string[];
}

/** What an administrator can see and do (docs/services/server-recovery-manager.md). Every refusal is kind `conflict`. */
export interface HighAvailability {
  overview(): Promise<HaOverview>;
  /** @param group '' for this node's. @throws ImpError `ha.cannot-enable` with each problem */
  enable(group: string, isOverridden: boolean): Promise<void>;
  disable(group: string): Promise<void>;
  /** Fails a node over, or gives it its users back. @throws ImpError `ha.not-now` with the states */
  failover(node: string, by: string): Promise<void>;
  fallback(node: string, by: string): Promise<void>;
  /** Begins anew on both nodes of a group that is Failed. */
  recover(group: string, by: string): Promise<void>;
}

export function createAdministration(needs: {
  readonly ids: Ids;
  readonly isStoreShared: boolean;
  readonly transport: PeerTransport;
  /** @throws ImpError kind `unavailable` */
  readonly running: () => NodeLife;
}): HighAvailability {
  const { ids, transport, running } = needs;

  const problems = (): readonly EnablingProblem[] => {
    const { topology, beat, partnerBeat } = running();
    return enablingProblems({ topology, isStoreShared: needs.isStoreShared, own: beat(), partner: partnerBeat() });
  };

  const ownGroup = (group: string): NodeLife => {
    const life = running();
    const { name } = life.topology.group;
    if (group === '' || group.toLowerCase() === name.toLowerCase()) return life;
    throw new ImpError(
      'not-found',
      'ha.other-group',
      `${life.topology.own.name} is in the group ${name}: ask a node of ${group}`,
    );
  };

  const ask = async (node: string, action: Action, by: string): Promise<void> => {
    const life = running();
    const { own, partner, others } = life.topology;
    if (node.toLowerCase() === own.name.toLowerCase()) {
      await life.request(action);
      return;
    }
    const known = partner ? [partner, ...others] : others;
    const meant = known.find((each) => each.name.toLowerCase() === node.toLowerCase());
    if (!meant) throw new ImpError('not-found', 'node.unknown', `there is no node ${node}`);
    await transport.request(meant, { action, by });
  };

  const setEnabled = async (life: NodeLife, isEnabled: boolean): Promise<void> => {
    const { own, group } = life.topology;
    if (!own.isPublisher) {
      throw new ImpError('conflict', 'ha.not-publisher', `${own.name} is a subscriber: do this on the publisher`);
    }
    await ids.transaction('administrator', async (trx) => {
      await trx
        .updateTable('enterprisesubcluster')
        .set({ haenabled: isEnabled ? 1 : 0 })
        .where('id', '=', group.id)
        .execute();
    });
  };

  return {
    async overview() {
      const life = running();
      const { own } = life.topology;
      return {
        groups: (await readGroups(ids)).map(({ group, isEnabled, nodes }) => ({
          group,
          isEnabled,
          nodes: nodes.map((node) => {
            const isHere = node.id === own.id;
            const heard = isHere ? undefined : life.heartbeats.last(node.name);
            const { state, reason } = isHere ? life.own : node;
            return {
              name: node.name,
              isHere,
              number: state,
              state: STATE_NAMES[state],
              reason,
              heardSecondsAgo: heard ? Math.round(life.heartbeats.silenceMs(node.name) / 1000) : null,
              roundTripMs: heard?.roundTripMs ?? null,
              servicesDown: isHere ? life.health.down : (heard?.beat.down ?? []),
            };
          }),
        })),
        problems: problems().map(({ text }) => text),
      };
    },
    async enable(group, isOverridden) {
      const life = ownGroup(group);
      const standing = problems().filter(({ isFatal }) => isFatal || !isOverridden);
      if (standing.length > 0) {
        const text = standing.map((each) => each.text).join('; ');
        throw new ImpError('conflict', 'ha.cannot-enable', `high availability cannot be enabled: ${text}`);
      }
      await setEnabled(life, true);
    },
    async disable(group) {
      await setEnabled(ownGroup(group), false);
    },
    failover: (node, by) => ask(node, 'failover', by),
    fallback: (node, by) => ask(node, 'fallback', by),
    async recover(group, by) {
      const life = ownGroup(group);
      if (life.own.state !== HA_STATE.failed) await life.request('recover');
      const { partner } = life.topology;
      if (life.own.state !== HA_STATE.failed) {
        throw new ImpError('conflict', 'ha.not-now', `recover is not possible now: ${life.sentence()}`);
      }
      if (partner && life.partnerBeat()) await transport.request(partner, { action: 'recover', by });
      await life.request('recover');
    },
  };
}
