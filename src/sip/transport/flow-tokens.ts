import { timingSafeEqual } from 'node:crypto';
import { SipError } from '../errors.ts';
import { createSeal } from '../seal.ts';
import type { Flow, SocketAddress } from './flow.ts';

/** Names a flow in a URI that travels (Path, Record-Route) and comes back (RFC 5626 5.2). */
export interface FlowTokens {
  /** Fits a user part as it is. */
  tokenOf(flow: Flow): string;
  /**
   * The flow of a token of ours.
   * @throws SipError `sip.flow-failed`: answer 430 when the flow is gone (5.3), 403 when the token is not ours
   */
  flowOf(token: string): Flow;
}

export interface FlowTokensNeeds {
  /** At least 20 bytes; another one at each start, since flows do not outlive the process. */
  readonly secret: Buffer;
  readonly findConnection: (id: string) => Flow | undefined;
  readonly udpFlow: (remote: SocketAddress) => Flow | undefined;
}

const SEAL_BYTES = 12;

export function createFlowTokens(needs: FlowTokensNeeds): FlowTokens {
  const seal = createSeal(needs.secret, SEAL_BYTES);
  return {
    tokenOf(flow) {
      const text = flow.transport === 'UDP' ? `u ${flow.remote.port} ${flow.remote.address}` : flow.id;
      return Buffer.concat([seal(text), Buffer.from(text)]).toString('base64url');
    },
    flowOf(token) {
      const bytes = Buffer.from(token, 'base64url');
      const text = bytes.subarray(SEAL_BYTES).toString();
      if (bytes.length <= SEAL_BYTES || !timingSafeEqual(seal(text), bytes.subarray(0, SEAL_BYTES))) {
        throw new SipError('sip.flow-failed', 'a flow token that is not ours', {
          answer: { status: 403, reason: 'Forbidden' },
        });
      }
      const [kind, port, address = ''] = text.split(' ');
      const flow = kind === 'u' ? needs.udpFlow({ address, port: Number(port) }) : needs.findConnection(text);
      if (flow?.isOpen) return flow;
      throw new SipError('sip.flow-failed', 'the flow is gone', { answer: { status: 430, reason: 'Flow Failed' } });
    },
  };
}
