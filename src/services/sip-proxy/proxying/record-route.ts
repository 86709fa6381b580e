import type { SipRequest } from '../../../sip/message/message.ts';
import type { Flow, SipTransport } from '../../../sip/transport/flow.ts';
import type { DialogTokens } from './dialog-tokens.ts';

export interface RecordRouteNeeds {
  readonly tokens: DialogTokens;
  readonly tokenOf: (flow: Flow) => string;
  /** `host:port` of our listener. */
  readonly sentBy: (transport: SipTransport) => string;
}

/** Requests that make a dialog (RFC 3261 12, RFC 6665 4, RFC 3515). */
const MAKES_DIALOG: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY']);

export function makesDialog(request: SipRequest): boolean {
  return MAKES_DIALOG.has(request.method);
}

/**
 * Puts us into the route of the dialog: once, or once for each side where the transports differ (RFC 5658), so that
 * either end speaks to the listener it knows. The token says how both ends are reached.
 * @param way token of the flow that leads to the callee, '' where its address does
 */
export function recordRoute(
  request: SipRequest,
  from: Flow,
  onto: Flow,
  way: string,
  namesTransport: boolean,
  needs: RecordRouteNeeds,
): SipRequest {
  const user = needs.tokens.issue(request, { caller: wayBack(request, from, needs), callee: way });
  const value = (transport: SipTransport): string => {
    const named = namesTransport ? `;transport=${transport.toLowerCase()}` : '';
    return `<sip:${user}@${needs.sentBy(transport)}${named};lr>`;
  };
  const headers = request.headers.clone().addFirst('Record-Route', value(from.transport));
  if (onto.transport !== from.transport) headers.addFirst('Record-Route', value(onto.transport));
  return { ...request, headers };
}

/** A client of ours is reached over the connection it made, and over UDP where an address was translated. */
function wayBack(request: SipRequest, flow: Flow, needs: RecordRouteNeeds): string {
  const vias = request.headers.list('via');
  const [via] = vias;
  if (vias.length !== 1 || via === undefined) return '';
  const received = via.params.get('received');
  const isNated = received !== undefined && received !== via.host;
  return flow.isReliable || isNated ? needs.tokenOf(flow) : '';
}
