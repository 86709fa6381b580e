import { refusal } from '../../../sip/errors.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import type { Hop } from '../../../sip/transport/flow.ts';
import { parseUri } from '../../../sip/values/uri.ts';
import type { SipBinding } from '../../sip-registration-datastore/sip-registration-datastore.ts';
import { type Policy, sipUri } from '../policy.ts';
import { openFlow } from '../proxying/own-routes.ts';
import { groupsOf, type Target } from '../proxying/target.ts';
import type { Registrations } from '../stores.ts';
import type { Route } from './decide.ts';
import { orderRoutes } from './static-order.ts';

export interface FindTargetsNeeds {
  readonly sip: SipEndpoint;
  readonly registrations: Registrations;
  readonly nodeName: string;
  readonly presenceEngine: () => Hop | undefined;
  readonly random: () => number;
}

export interface FoundTargets {
  readonly groups: readonly (readonly Target[])[];
  /** They are a user's contacts. */
  readonly isUser: boolean;
  readonly isForeign: boolean;
}

/**
 * The targets of a route, in the order of trying.
 * @throws SipError with the answer when there is none
 */
export async function findTargets(
  route: Route,
  method: string,
  host: string,
  policy: Policy,
  needs: FindTargetsNeeds,
): Promise<FoundTargets> {
  const { intraclusterTransport, interclusterTransport } = policy.configuration.dynamic.parameters;
  const own = (...targets: readonly Target[]): FoundTargets => ({
    groups: targets.map((target) => [target]),
    isUser: false,
    isForeign: false,
  });
  const foreign = (...targets: readonly Target[]): FoundTargets => ({ ...own(...targets), isForeign: true });
  switch (route.kind) {
    case 'refuse':
      throw refusal(
        route.status,
        route.reason,
        route.status === 489 ? { 'Allow-Events': 'presence, presence.winfo' } : undefined,
      );
    case 'listener': {
      const uri = policy.listenerUri(route.listener);
      if (uri === undefined) throw refusal(503, 'Application Listener Unknown');
      return own({ to: { uri } });
    }
    case 'presence-engine': {
      const hop = needs.presenceEngine();
      if (hop === undefined) throw refusal(503, 'Presence Engine Not Running', { 'Retry-After': '30' });
      return own({ to: { hop } });
    }
    case 'local': {
      const groups = await contactsOf(route.user.imaddress.toLowerCase(), needs);
      if (groups.length > 0) return { groups, isUser: true, isForeign: false };
      if (method === 'SUBSCRIBE') throw refusal(489, 'Bad Event', { 'Allow-Events': 'presence, presence.winfo' });
      throw refusal(480, 'Temporarily Unavailable');
    }
    case 'static': {
      const routes = orderRoutes(route.groups, needs.random).filter(({ nextHop }) => policy.maySendTo(nextHop));
      if (routes.length === 0) throw refusal(403, 'Destination Not Allowed');
      return foreign(
        ...routes.map(({ nextHop, port, transport }) => ({ to: { uri: sipUri(nextHop, port, transport) } })),
      );
    }
    case 'node':
      return own(...route.addresses.map((address) => ({ to: { uri: sipUri(address, 0, intraclusterTransport) } })));
    case 'peer':
      if (route.nodes.length === 0) throw refusal(480, 'Temporarily Unavailable');
      return foreign(
        ...route.nodes.map((node) => {
          const transport = node.transport || interclusterTransport;
          return { to: { uri: sipUri(node.address, transport === 'TLS' ? node.tlsPort : node.port, transport) } };
        }),
      );
    case 'domain':
      if (!policy.maySendTo(host)) throw refusal(403, 'Destination Not Allowed');
      return foreign({});
  }
}

async function contactsOf(address: string, needs: FindTargetsNeeds): Promise<readonly (readonly Target[])[]> {
  const bindings = await needs.registrations.bindingsOf(address);
  return groupsOf(onePerInstance(bindings), (binding) => targetOf(binding, needs));
}

/** RFC 5626 7: of an instance that has registered over several flows only the newest is tried. */
function onePerInstance(bindings: readonly SipBinding[]): readonly SipBinding[] {
  const newest = new Map<string, SipBinding>();
  for (const [place, binding] of bindings.entries()) {
    const key = binding.outbound?.instance ?? `${place}`;
    const known = newest.get(key);
    if (known === undefined || known.registeredAt < binding.registeredAt) newest.set(key, binding);
  }
  return [...newest.values()];
}

function targetOf(binding: SipBinding, needs: FindTargetsNeeds): Target | undefined {
  const uri = withoutHeaders(binding.contact);
  if (binding.path.length > 0) return { uri, routes: binding.path, binding };
  if (!binding.isBehindFlow || binding.flow === null || binding.node !== needs.nodeName) return { uri, binding };
  const flow = openFlow(binding.flow, needs.sip.flows);
  if (flow !== undefined) return { uri, to: { flow }, way: binding.flow, binding };
  // RFC 5626 5.3: an outbound client is reached over its flow or not at all; another one may listen where it says.
  return binding.outbound === null ? { uri, binding } : undefined;
}

/** A contact may carry headers and a method, which a Request-URI may not (RFC 3261 19.1.1). */
function withoutHeaders(contact: string): string {
  const uri = parseUri(contact);
  if (uri.kind !== 'sip' || (uri.headers === '' && !uri.params.has('method'))) return contact;
  return contact.replace(/\?.*$/, '').replace(/;method=[^;]*/i, '');
}
