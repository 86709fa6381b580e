import { ImpError } from '../../platform/errors.ts';

/** Why a peer's request is refused: codes of the fault's detail. */
export type InterclusterFaultCode = 'denied' | 'not-ready' | 'place-lost' | 'bad-request' | 'busy' | 'stopped';

const FAULT_KINDS = {
  denied: 'denied',
  'not-ready': 'unavailable',
  'place-lost': 'conflict',
  'bad-request': 'invalid',
  busy: 'unavailable',
  stopped: 'unavailable',
} as const;

export class InterclusterFault extends ImpError {
  override readonly name = 'InterclusterFault';
  readonly fault: InterclusterFaultCode;
  constructor(fault: InterclusterFaultCode, message: string, options?: { cause?: unknown }) {
    super(FAULT_KINDS[fault], `intercluster.${fault}`, message, options);
    this.fault = fault;
  }
}

/** Why a peer is not synced. What each means, and what happens next, is in docs/services/intercluster-sync-agent.md. */
export type PeerReason =
  | 'unreachable'
  | 'timeout'
  | 'certificate'
  | 'denied'
  | 'not-ready' // its own sync with CUCM is not complete
  | 'garbage' // an answer that is none
  | 'fault' // it answered with a fault
  | 'place-lost'
  | 'itself' // the peer is this cluster
  | 'duplicate' // another entry names the same cluster
  | 'domain-conflict'
  | 'withheld' // it has lost more than half of its users
  | 'internal';

/** The message is a clause for the administrator. */
export class PeerError extends ImpError {
  override readonly name = 'PeerError';
  readonly reason: PeerReason;
  constructor(reason: PeerReason, message: string, options?: { cause?: unknown }) {
    const kind = reason === 'denied' ? 'denied' : reason === 'internal' ? 'internal' : 'unavailable';
    super(kind, `peer.${reason}`, message, options);
    this.reason = reason;
  }
}
