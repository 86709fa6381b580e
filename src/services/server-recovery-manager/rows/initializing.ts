import { type Facts, failedOverState, peerIs, type TransitionRow } from '../facts.ts';
import { HA_STATE as S } from '../states.ts';

const from = [S.initializing] as const;
const wasA = ({ recorded }: Facts, ...states: readonly number[]): boolean =>
  recorded !== null && states.includes(recorded.state);

/** Out of Initializing: by what the node was before, by what the peer says, or by the peer's silence. */
export const INITIALIZING_ROWS: readonly TransitionRow[] = [
  {
    row: '6',
    name: 'the failover record says Idle: it keeps its role',
    from,
    on: 'peer-heard',
    when: (facts) => wasA(facts, S.idle) && peerIs(facts, S.backup, S.initializing),
    to: S.idle,
    reason: 'Initialization',
  },
  {
    row: '6a',
    name: 'the failover record says Backup: it keeps its role',
    from,
    on: 'peer-heard',
    when: (facts) =>
      wasA(facts, S.backup) &&
      facts.health !== 'pending' &&
      peerIs(facts, S.idle, S.failedOver, S.failedOverAffected, S.initializing),
    to: S.backup,
    reason: 'Initialization',
  },
  {
    row: '6b',
    name: 'the peer serves its users, or did when both went down: it stays failed over',
    from,
    on: 'peer-heard',
    when: (facts) =>
      peerIs(facts, S.backup) || (wasA(facts, S.failedOver, S.failedOverAffected) && peerIs(facts, S.initializing)),
    to: failedOverState,
    reason: 'Initialization',
  },
  {
    row: '24',
    name: 'it was getting its users back, and goes on',
    from,
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.fallingBack),
    to: S.takingBack,
    reason: ({ peer }) => peer?.reason ?? 'Initialization',
  },
  {
    row: '24a',
    name: "it was giving the peer's users back, and goes on",
    from,
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.takingBack),
    to: S.fallingBack,
    reason: ({ peer }) => peer?.reason ?? 'Initialization',
  },
  {
    row: '25a',
    name: 'it was failing over, and goes on',
    from,
    on: 'peer-heard',
    when: (facts) => wasA(facts, S.failingOver) && peerIs(facts, S.takingOver),
    to: S.failingOver,
    reason: ({ recorded }) => recorded?.reason ?? 'Initialization',
  },
  {
    row: '25',
    name: 'it is to take the peer over, and goes on',
    from,
    on: 'peer-heard',
    when: (facts) => facts.health === 'up' && peerIs(facts, S.failingOver, S.idle, S.failedOver, S.failedOverAffected),
    to: S.takingOver,
    reason: 'Initialization',
  },
  {
    row: '25b',
    name: 'it is to take the peer over, and its critical services are down',
    from,
    on: 'peer-heard',
    when: (facts) =>
      facts.health === 'down' && peerIs(facts, S.failingOver, S.idle, S.failedOver, S.failedOverAffected),
    to: S.failed,
    reason: 'Critical Service Down',
  },
  {
    row: '3',
    name: 'the peer is there, nothing is recorded, critical services are up',
    from,
    on: 'peer-heard',
    when: (facts) => facts.health === 'up' && peerIs(facts, S.normal, S.initializing),
    to: S.normal,
    reason: 'Normal',
  },
  {
    row: '4',
    name: 'critical services are down here past the delay, and the peer is healthy',
    from,
    on: 'peer-heard',
    when: (facts) => facts.health === 'down' && facts.peer?.health === 'up' && peerIs(facts, S.normal),
    to: S.failedOverAffected,
    reason: 'Critical Service Down',
  },
  {
    row: '5',
    name: 'critical services are down on both sides',
    from,
    on: 'peer-heard',
    when: (facts) =>
      facts.health === 'down' && facts.peer?.health === 'down' && peerIs(facts, S.normal, S.initializing),
    to: S.failed,
    reason: 'Critical Service Down',
  },
  {
    row: '7',
    name: 'the peer is silent for the initialization time-out',
    from,
    on: 'peer-silent-at-start',
    when: ({ health }) => health === 'up',
    to: S.takingOver,
    reason: 'Peer Down During Initialization',
  },
];
