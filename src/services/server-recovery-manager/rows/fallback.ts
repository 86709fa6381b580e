import { peerIs, type TransitionRow } from '../facts.ts';
import { HA_STATE as S } from '../states.ts';

/** The failed node gets its users back: Taking Back there, Falling Back on the backup. */
export const FALLBACK_ROWS: readonly TransitionRow[] = [
  {
    row: '15',
    name: 'an administrator falls back',
    from: [S.failedOver, S.idle],
    on: 'fallback',
    when: (facts) => peerIs(facts, S.backup),
    to: S.takingBack,
    reason: 'On Admin Request',
  },
  {
    row: '17',
    name: 'automatic fallback, healthy for long enough',
    from: [S.failedOver],
    on: 'automatic-fallback',
    when: (facts) => peerIs(facts, S.backup),
    to: S.takingBack,
    reason: 'Automatic Fallback',
  },
  {
    row: '15a',
    name: "the backup gives the peer's users back",
    from: [S.backup],
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.takingBack),
    to: S.fallingBack,
    reason: ({ peer }) => peer?.reason ?? 'On Admin Request',
  },
  {
    row: '15b',
    name: 'the restored node has its users',
    from: [S.takingBack],
    on: 'users-back',
    to: S.normal,
    reason: 'Normal',
  },
  {
    row: '15c',
    name: 'the backup hears that the restored node has its users',
    from: [S.fallingBack],
    on: 'peer-heard',
    when: (facts) => peerIs(facts, S.normal),
    to: S.normal,
    reason: 'Normal',
  },
  {
    row: '22',
    name: 'users cannot be moved back',
    from: [S.takingBack, S.fallingBack],
    on: 'taking-back-failed',
    to: S.failed,
    reason: 'Take Back Users Failed',
  },
  {
    row: '23',
    name: 'critical services do not start on the restored node',
    from: [S.takingBack],
    on: 'services-not-started',
    to: S.failed,
    reason: 'Start of Critical Services Failed',
  },
];
