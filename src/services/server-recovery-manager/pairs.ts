import { HA_STATE, type HaReason, type NodeState } from './states.ts';

/** One kind of stable pair that two nodes of a group may stand in (docs/services/server-recovery-manager.md). */
interface PairRow {
  readonly one: { readonly states: readonly number[]; readonly reasons: readonly HaReason[] };
  readonly other: { readonly states: readonly number[]; readonly reasons: readonly HaReason[] };
  /** The reasons of the two are the same. */
  readonly isSameReason?: boolean;
}

const S = HA_STATE;
const BY_HAND: readonly HaReason[] = ['On Admin Request', 'Initialization'];
const LOST_PEER: readonly HaReason[] = ['Peer Down', 'Peer Reboot', 'Peer Down During Initialization'];
const AUTO_RECOVERED: readonly HaReason[] = ['Auto Recover Critical Service Down', 'Auto Recover Database Failure'];
const TAKEN_OVER: readonly HaReason[] = [
  'Critical Service Down',
  'Database Failure',
  'Initialization',
  ...LOST_PEER,
  ...AUTO_RECOVERED,
];

const PAIRS: readonly PairRow[] = [
  { one: { states: [S.normal], reasons: ['Normal'] }, other: { states: [S.normal], reasons: ['Normal'] } },
  { one: { states: [S.idle], reasons: BY_HAND }, other: { states: [S.backup], reasons: BY_HAND } },
  {
    one: { states: [S.failedOver, S.failedOverAffected], reasons: TAKEN_OVER },
    other: { states: [S.backup], reasons: TAKEN_OVER },
  },
  {
    one: {
      states: [S.failed],
      reasons: [
        'Critical Service Down',
        'Start of Critical Services Failed',
        'Take Over Users Failed',
        'Take Back Users Failed',
        'Unknown',
      ],
    },
    other: {
      states: [S.failed],
      reasons: [
        'Critical Service Down',
        'Start of Critical Services Failed',
        'Take Over Users Failed',
        'Take Back Users Failed',
        'Unknown',
      ],
    },
    isSameReason: true,
  },
  {
    one: { states: [S.unknown], reasons: ['High Availability Not Enabled'] },
    other: { states: [S.unknown], reasons: ['High Availability Not Enabled'] },
  },
];

/** Whether two nodes that hear each other may stay like this. */
export function isLegalPair(a: NodeState, b: NodeState): boolean {
  const fits = (one: NodeState, other: NodeState): boolean =>
    PAIRS.some(
      (row) =>
        row.one.states.includes(one.state) &&
        row.one.reasons.includes(one.reason) &&
        row.other.states.includes(other.state) &&
        row.other.reasons.includes(other.reason) &&
        (row.isSameReason !== true || one.reason === other.reason),
    );
  return fits(a, b) || fits(b, a);
}
