import { refusal, SipError } from '../../../sip/errors.ts';
import type { SipRequest } from '../../../sip/message/message.ts';
import type { SipTarget } from '../../../sip/sip.ts';
import type { Flow } from '../../../sip/transport/flow.ts';
import type { FlowTokens } from '../../../sip/transport/flow-tokens.ts';
import { parseUri, type SipUri } from '../../../sip/values/uri.ts';
import type { LocalNames } from '../access/local-names.ts';
import type { DialogTokens } from './dialog-tokens.ts';
import { undoStrictRouting } from './target.ts';

/** User part of a Path of ours: a registration that went on to another node. */
const PATH_MARK = 'path.';

export function pathUser(flowToken: string): string {
  return PATH_MARK + flowToken;
}

export interface OwnRoutes {
  /** Without the Route values that named us. */
  readonly request: SipRequest;
  /** A request of a dialog that went through here. */
  readonly isInDialog: boolean;
  /** The flow to the other end, when it is reached over one. */
  readonly onward: SipTarget | undefined;
}

/**
 * Takes the Route values away that name us (RFC 3261 16.4), and reads what we wrote into them.
 * @throws SipError with 430 when the way back to a registered client is gone
 */
export function takeOwnRoutes(
  given: SipRequest,
  names: LocalNames,
  tokens: DialogTokens,
  flows: FlowTokens,
): OwnRoutes {
  let request = given;
  const uri = parseUri(given.uri);
  let user: string | undefined;
  if (uri.kind === 'sip' && uri.params.has('lr') && names.isThisNode(uri)) {
    user = uri.user;
    request = undoStrictRouting(given);
  }
  const headers = request.headers.clone();
  for (let own = ownRoute(headers.get('route')?.uri, names); own; own = ownRoute(headers.get('route')?.uri, names)) {
    user = own.user;
    headers.deleteFirst('route');
  }
  request = { ...request, headers };
  if (user === undefined || user === '') return { request, isInDialog: false, onward: undefined };
  if (user.startsWith(PATH_MARK)) {
    return { request, isInDialog: false, onward: { flow: flows.flowOf(user.slice(PATH_MARK.length)) } };
  }
  const dialog = tokens.read(user, request);
  if (dialog === undefined) return { request, isInDialog: false, onward: undefined };
  return { request, isInDialog: true, onward: flowTarget(dialog.onward, flows) };
}

function ownRoute(uri: ReturnType<typeof parseUri> | undefined, names: LocalNames): SipUri | undefined {
  return uri?.kind === 'sip' && names.isOurs(uri) ? uri : undefined;
}

/** In a dialog the far end may have connected anew: its contact is tried when the flow is gone. */
function flowTarget(token: string, flows: FlowTokens): SipTarget | undefined {
  const flow = token === '' ? undefined : openFlow(token, flows);
  return flow === undefined ? undefined : { flow };
}

export function openFlow(token: string, flows: FlowTokens): Flow | undefined {
  try {
    return flows.flowOf(token);
  } catch (error) {
    if (!(error instanceof SipError)) throw error;
    return undefined;
  }
}

/** RFC 3261 16.3 step 3 and 16.6 step 3. @throws SipError with 483 */
export function spendHop(request: SipRequest): SipRequest {
  const left = request.headers.get('max-forwards') ?? 71;
  if (left === 0) throw refusal(483, 'Too Many Hops');
  return { ...request, headers: request.headers.clone().set('Max-Forwards', String(left - 1)) };
}
