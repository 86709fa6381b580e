import type { SipRequest } from '../../../sip/message/message.ts';
import type { SipTarget } from '../../../sip/sip.ts';
import type { SipBinding } from '../../sip-registration-datastore/sip-registration-datastore.ts';

/** One way that a request may take. */
export interface Target {
  /** New Request-URI; undefined: as it is. */
  readonly uri?: string;
  /** Put before the other Route values: the Path of a registration. */
  readonly routes?: readonly string[];
  /** Where it is sent; undefined: to the first Route, else the Request-URI. */
  readonly to?: SipTarget;
  readonly binding?: SipBinding;
  /** Token of the flow that leads to the far end, '' or undefined when its address does. */
  readonly way?: string;
}

/** The request as it leaves for a target, but for Record-Route and Via. */
export function requestFor(base: SipRequest, target: Target): SipRequest {
  const headers = base.headers.clone();
  for (const route of [...(target.routes ?? [])].reverse()) headers.addFirst('Route', route);
  const request = { ...base, uri: target.uri ?? base.uri, headers };
  const [first] = headers.list('route');
  if (first?.uri.kind !== 'sip' || first.uri.params.has('lr')) return request;
  // RFC 3261 16.6 step 6: a strict router is given its own URI, and the real one as the last Route.
  headers.deleteFirst('route').add('Route', `<${request.uri}>`);
  return { ...request, uri: first.uriText };
}

/** RFC 3261 16.4: what a strict router sent has our URI as its Request-URI and the real one as the last Route. */
export function undoStrictRouting(request: SipRequest): SipRequest {
  const texts = request.headers.texts('route');
  const routes = request.headers.list('route');
  const last = routes.at(-1);
  if (texts.length === 0 || last === undefined) return request;
  const headers = request.headers.clone().delete('route');
  for (const route of routes.slice(0, -1)) headers.add('Route', route.toString());
  return { ...request, uri: last.uriText, headers };
}

/** Contacts in the order of trying: those of one quality at once, the better ones first. */
export function groupsOf(
  bindings: readonly SipBinding[],
  targetOf: (binding: SipBinding) => Target | undefined,
): readonly (readonly Target[])[] {
  const byQuality = new Map<number, Target[]>();
  for (const binding of [...bindings].sort((a, b) => b.q - a.q)) {
    const target = targetOf(binding);
    if (target === undefined) continue;
    const group = byQuality.get(binding.q);
    if (group) group.push(target);
    else byQuality.set(binding.q, [target]);
  }
  return [...byQuality.values()];
}
