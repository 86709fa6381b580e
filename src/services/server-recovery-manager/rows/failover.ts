import { type Facts, failedOverState, type HaEvent, peerIs, type TransitionRow } from '../facts.ts';
import { type HaReason, HA_STATE as S } from '../states.ts';

const isHealthyPeer = (facts: Facts): boolean => facts.peer?.health === 'up' && peerIs(facts, S.normal);
const causeOf = (_facts: Facts, event: HaEvent): HaReason => (event.kind === 'peer-silent' ? event.cause : 'Unknown');
const downReason = (_facts: Facts, event: HaEvent): HaReason =>
  event.kind === 'database-down' ? 'Database Failure' : 'Critical Service Down';
const peersReason = ({ peer }: Facts): HaReason => peer?.reason ?? 'Unknown';
const isByHand = ({ reason }: { readonly reason: HaReason }): boolean => reason === 'On Admin Request';
/** Reasons of a node that took over because it heard nothing. */
const isForSilence = (reason: HaReason): boolean =>
  reason === 'Peer Down' || reason === 'Peer Reboot' || reason === 'Peer Down During Initialization';

const isSwap = (reason: HaReason): boolean => reason.startsWith('Auto Recover');

/** Failing Over on the one side, Taking Over on the other, and what happens while a node is failed over. */
export const FAILOVER_ROWS: readonly TransitionRow[] = [
  {
    row: '8',
    name: 'an administrator fails this node over',
    from: [S.normal],
    on: 'failover',
    when: isHealthyPeer,
    to: S.failingOver,
    reason: 'On Admin Request',
  },
  {
    row: '9',
    name: 'a critical service is down longer than the delay',
    from: [S.normal],
    on: 'services-down',
    when: isHealthyPeer,
    to: S.failingOver,
    reason: 'Critical Service Down',
  },
  {
    row: '10',
    name: 'the local database is down',
    from: [S.normal],
    on: 'database-down',
    when: isHealthyPeer,
    to: S.failingOver,
    reason: 'Database Failure',
  },
  {
    row: '9b',
    name: 'critical services are down on both sides',
    from: [S.normal],
    on: ['services-down', 'database-down'],
    when: (facts) => facts.peer?.health === 'down' && peerIs(facts, S.normal, S.initializing),
    to: S.failed,
    reason: 'Critical Service Down',
  },
  {
    row: '11, 12',
    name: 'the peer is silent for the keep-alive time-out',
    from: [S.normal, S.fallingBack, S.failedOver],
    on: 'peer-silent',
    when: ({ health }) => health !== 'down',
    to: S.takingOver,
    reason: causeOf,
  },
  {
    row: '11a',
    name: 'the peer died before it had taken the users of this node',
    from: [S.failingOver],
    on: 'peer-silent',
    to: ({ health }) => (health === 'down' ? S.failed : S.takingOver),
    reason: (facts, event) => (facts.health === 'down' ? 'Take Over Users Failed' : causeOf(facts, event)),
  },
  {
    row: '11b',
    name: 'this node is the one that is cut off',
    from: [S.normal, S.fallingBack],
    on: 'isolated',
    to: failedOverState,
    reason: 'Peer Down',
  },
  {
    row: '11c',
    name: 'the peer has taken the users of this node',
    from: [S.normal, S.backup, S.takingOver, S.fallingBack],
    on: 'ownership-lost',
    to: failedOverState,
    reason: 'Peer Down',
  },
  {
    row: '11d',
    name: 'the peer serves the users of this node',
    from: [S.normal, S.takingOver, S.fallingBack],
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.backup),
    to: failedOverState,
    reason: 'Initialization',
  },
  {
    row: '11e',
    name: 'the silent peer is back before its users were taken',
    from: [S.takingOver],
    on: 'peer-heard',
    when: (facts) => !facts.holdsPeerUsers && isForSilence(facts.own.reason) && peerIs(facts, S.normal),
    to: S.normal,
    reason: 'Normal',
  },
  {
    row: '12a',
    name: 'the peer is back, and its host was started anew: the reason is put right',
    from: [S.backup],
    on: 'peer-host-restarted',
    when: ({ own }) => own.reason === 'Peer Down',
    to: S.backup,
    reason: 'Peer Reboot',
  },
  {
    row: '9a',
    name: 'the peer fails over, or has: this node takes its users over',
    from: [S.normal, S.fallingBack],
    on: 'peer-heard',
    when: (facts) =>
      facts.health !== 'down' && peerIs(facts, S.failingOver, S.idle, S.failedOver, S.failedOverAffected),
    to: S.takingOver,
    reason: peersReason,
  },
  {
    row: '9c',
    name: 'the peer fails over, and critical services are down here too',
    from: [S.normal, S.fallingBack],
    on: 'peer-heard',
    when: (facts) =>
      facts.health === 'down' && peerIs(facts, S.failingOver, S.idle, S.failedOver, S.failedOverAffected),
    to: S.failed,
    reason: 'Critical Service Down',
  },
  {
    row: '8a',
    name: 'both were failed over at once: the one that was asked later, or is healthy, takes over',
    from: [S.failingOver],
    on: 'peer-heard',
    when: ({ own, peer, hasLowerId }) =>
      peer?.state === S.failingOver && isByHand(own) && (!isByHand(peer) || !hasLowerId),
    to: S.takingOver,
    reason: peersReason,
  },
  {
    row: '9d',
    name: 'critical services went down on both sides at once',
    from: [S.failingOver],
    on: 'peer-heard',
    when: ({ own, peer }) => peer?.state === S.failingOver && !isByHand(own) && !isByHand(peer),
    to: S.failed,
    reason: 'Critical Service Down',
  },
  {
    row: '8b',
    name: 'the peer serves the users of this node: Idle after a request, else Failed Over',
    from: [S.failingOver],
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.backup),
    to: (facts) => (isByHand(facts.own) ? S.idle : failedOverState(facts)),
    reason: ({ own }) => own.reason,
  },
  {
    row: '21',
    name: 'users cannot be moved to the backup',
    from: [S.takingOver, S.failingOver],
    on: 'taking-failed',
    to: S.failed,
    reason: 'Take Over Users Failed',
  },
  {
    row: '21a',
    name: 'both leave their users to the other',
    from: [S.failingOver],
    on: 'peer-heard',
    // When roles are swapped the peer is Failed Over until it hears of it.
    when: (facts) =>
      peerIs(facts, S.idle, S.failedOverAffected) || (peerIs(facts, S.failedOver) && !isSwap(facts.own.reason)),
    to: S.failed,
    reason: 'Take Over Users Failed',
  },
  {
    row: '21b',
    name: 'a critical service goes down while it takes over',
    from: [S.takingOver],
    on: ['services-down', 'database-down'],
    to: S.failed,
    reason: 'Take Over Users Failed',
  },
  {
    row: '9e',
    name: "the peer's users are served here",
    from: [S.takingOver],
    on: 'users-taken',
    to: S.backup,
    reason: ({ own }) => own.reason,
  },
  {
    row: '13',
    name: 'all critical services are up again',
    from: [S.failedOverAffected],
    on: 'services-up',
    to: S.failedOver,
    reason: ({ own }) => own.reason,
  },
  {
    row: '14',
    name: 'a critical service goes down while failed over',
    from: [S.failedOver],
    on: ['services-down', 'database-down'],
    to: S.failedOverAffected,
    reason: downReason,
  },
  {
    row: '19',
    name: 'the backup loses a critical service, and the peer can take everything',
    from: [S.backup],
    on: ['services-down', 'database-down'],
    when: (facts) => peerIs(facts, S.failedOver),
    to: S.failingOver,
    reason: (_facts, event) =>
      event.kind === 'database-down' ? 'Auto Recover Database Failure' : 'Auto Recover Critical Service Down',
  },
  {
    row: '19a',
    name: 'the roles are swapped: the failed-over node takes everything',
    from: [S.failedOver],
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.failingOver),
    to: S.takingOver,
    reason: peersReason,
  },
  {
    row: '20',
    name: 'the backup loses a critical service, and the peer cannot help',
    from: [S.backup],
    on: ['services-down', 'database-down'],
    to: S.failed,
    reason: 'Critical Service Down',
  },
  {
    row: '20a',
    name: 'the peer fails over to a node that cannot serve',
    from: [S.idle, S.failedOverAffected],
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.failingOver),
    to: S.failed,
    reason: 'Critical Service Down',
  },
];
