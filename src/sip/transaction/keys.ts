import { callIdOf, cseqOf, fromOf, type SipMessage, type SipRequest, topVia } from '../message/message.ts';
import { transactionBranch, writeVia } from '../values/via.ts';

/**
 * What a request and its retransmissions have in common (RFC 3261 17.2.3): the branch, who made it, and the method. An
 * ACK belongs to its INVITE. Elements of RFC 2543 make no such branch: for them it is what a retransmission repeats.
 */
export function serverKey(request: SipRequest, method = request.method): string {
  const via = topVia(request);
  const of = method === 'ACK' ? 'INVITE' : method;
  const branch = transactionBranch(via);
  if (branch !== undefined) return `${branch} ${via.host}:${via.port ?? ''} ${of}`;
  return `${request.uri} ${fromOf(request).tag ?? ''} ${callIdOf(request)} ${cseqOf(request).number} ${writeVia(via)} ${of}`;
}

/** RFC 3261 17.1.3: branch of the top Via and method of CSeq; undefined for a branch that we did not make. */
export function clientKey(message: SipMessage): string | undefined {
  const branch = transactionBranch(topVia(message));
  return branch === undefined ? undefined : `${branch} ${cseqOf(message).method}`;
}
