import { hash } from 'node:crypto';
import { callIdOf, cseqOf, fromOf, type SipRequest, toOf } from '../../../sip/message/message.ts';

const LENGTH = 16;

/**
 * What must be the same for a request that has come back to be looping rather than on a spiral (RFC 3261 16.6 step 8):
 * it stands at the end of our branches.
 */
export function loopMark(request: SipRequest): string {
  const { headers } = request;
  const fields = [
    request.method,
    request.uri,
    fromOf(request).tag ?? '',
    toOf(request).tag ?? '',
    callIdOf(request),
    String(cseqOf(request).number),
    ...headers.texts('route'),
    ...headers.texts('proxy-require'),
  ];
  return `.${hash('sha256', fields.join('\n'), 'base64url').slice(0, LENGTH)}`;
}

/** Whether one of the Vias is ours and has the mark: the request was here before, and nothing has changed since. */
export function isLooping(request: SipRequest, mark: string, isOurs: (sentBy: string) => boolean): boolean {
  return request.headers
    .list('via')
    .some(({ host, port, params }) => params.get('branch')?.endsWith(mark) === true && isOurs(`${host}:${port ?? ''}`));
}
