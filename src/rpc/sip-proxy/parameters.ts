import { isHost, isHostName } from '../handover/addresses.ts';
import type { ParameterTable, ParameterValues, TextParameter } from '../handover/parameters.ts';
import { faultOfTemplate, MAX_EMBED_TEMPLATES } from './route-pattern.ts';
import { TRANSPORTS } from './static-route.ts';

/** The four listeners that every SIP Proxy has; their ports are the node's, not the cluster's. */
export const OWN_LISTENERS = [
  'Default Cisco SIP Proxy TCP Listener',
  'Default Cisco SIP Proxy UDP Listener',
  'Default Cisco SIP Proxy TLS Listener - Server Auth',
  'Default Cisco SIP Proxy TLS Listener - Peer Auth',
] as const;

const domain = (doc: string): TextParameter => ({
  type: 'text',
  maxLength: 253,
  default: '',
  apply: 'live',
  doc,
  check: (value) => (isHostName(value) ? undefined : `"${value}" is not a domain name`),
});

/** Settings of the listening side: the base file, in force after a restart. */
export const BASE_PARAMETERS = {
  statefulServer: { type: 'boolean', default: true, apply: 'restart', doc: 'Keep state of transactions.' },
  persistentTcp: { type: 'boolean', default: true, apply: 'restart', doc: 'Keep TCP connections open and reuse them.' },
  sharedMemoryMegabytes: {
    type: 'integer',
    min: 1,
    max: 4096,
    default: 32,
    apply: 'restart',
    doc: 'For proxies that keep routes in shared memory; ours has no use for it.',
  },
  federationUserAgents: {
    type: 'text',
    maxLength: 1000,
    default: '',
    apply: 'restart',
    doc: 'User-Agent headers, comma-separated, by which a federated server is known.',
    check: (value) => (/^[\x20-\x7e]+$/.test(value) ? undefined : 'it holds characters other than printable ASCII'),
  },
} as const satisfies ParameterTable;

/** Settings of routing: the dynamic file, in force at once. */
export const DYNAMIC_PARAMETERS = {
  cucmDomain: domain("CUCM's domain: request URIs of it are for CUCM."),
  srvClusterName: domain('Name under which the cluster stands in DNS SRV: request URIs of it are local.'),
  supplementalServerName: domain('One more name under which request URIs are local.'),
  federationRoutingFqdn: domain('Name that federated servers route to: request URIs of it are local.'),
  methodEventRouting: {
    type: 'boolean',
    default: true,
    apply: 'live',
    doc: 'Route by method and event; federation and remote call control need it.',
  },
  preferredListener: {
    type: 'text',
    maxLength: 128,
    default: OWN_LISTENERS[0],
    apply: 'live',
    doc: 'The listener whose address goes into Record-Route and Via.',
    check: () => undefined,
  },
  recordRoute: { type: 'boolean', default: true, apply: 'live', doc: 'Add a Record-Route header.' },
  recordRouteUsesTransport: {
    type: 'boolean',
    default: true,
    apply: 'live',
    doc: 'Name the transport in Record-Route.',
  },
  recordRouteTransport: {
    type: 'choice',
    choices: TRANSPORTS,
    default: 'TCP',
    apply: 'live',
    doc: 'The transport that Record-Route names.',
  },
  intraclusterTransport: {
    type: 'choice',
    choices: TRANSPORTS,
    default: 'TCP',
    apply: 'live',
    doc: 'How nodes of the cluster are reached.',
  },
  interclusterTransport: {
    type: 'choice',
    choices: TRANSPORTS,
    default: 'TCP',
    apply: 'live',
    doc: 'How nodes of peer clusters are reached.',
  },
  routeEmbedTemplates: {
    type: 'text',
    maxLength: 500,
    default: '',
    apply: 'live',
    doc: `Shapes of numbers with wildcards within that static routes may have: comma-separated, at most ${MAX_EMBED_TEMPLATES}.`,
    check(value) {
      const templates = templatesOf(value);
      if (templates.length > MAX_EMBED_TEMPLATES) return `more than ${MAX_EMBED_TEMPLATES} templates`;
      return templates.map(faultOfTemplate).find((fault) => fault !== undefined);
    },
  },
} as const satisfies ParameterTable;

export type BaseParameters = ParameterValues<typeof BASE_PARAMETERS>;
export type DynamicParameters = ParameterValues<typeof DYNAMIC_PARAMETERS>;

/** The templates of the parameter's text. */
export function templatesOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** Whether a listener can be bound to it: an address, a name, or '' for the node's own. */
export function isListenAddress(text: string): boolean {
  return text === '' || isHost(text);
}
