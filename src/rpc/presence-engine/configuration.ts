import { isHost, isHostName } from '../handover/addresses.ts';
import { ConfigurationError } from '../handover/errors.ts';
import { calendarServerOf, faultOfCalendarUrl } from './calendar-url.ts';
import { type EngineParameters, WATERMARKS } from './parameters.ts';

export const GATEWAY_TYPES = ['CUCM', 'Exchange', 'Office 365', 'iCalendar'] as const;

/** Where the engine learns phone and calendar state. */
export interface PresenceGateway {
  readonly type: (typeof GATEWAY_TYPES)[number];
  /** Host name, address or SRV name; of an iCalendar gateway the URL of calendars, with a placeholder for the user. */
  readonly address: string;
}

/** This node, as the engine must know it. */
export interface EngineNode {
  readonly id: number;
  readonly name: string;
  /** Presence redundancy group; 0 is none. */
  readonly group: number;
  readonly isPublisher: boolean;
}

/** The other node of the redundancy group, whose engine is watched. */
export interface EnginePeer {
  readonly id: number;
  readonly name: string;
  readonly address: string;
}

/** The complete configuration of the Presence Engine. */
export interface EngineConfiguration {
  readonly parameters: EngineParameters;
  readonly defaultDomain: string;
  readonly domains: readonly string[];
  readonly node: EngineNode;
  readonly peer: EnginePeer | null;
  readonly gateways: readonly PresenceGateway[];
}

/** What is wrong with a gateway; undefined when nothing is. */
export function faultOfGateway({ type, address }: PresenceGateway): string | undefined {
  if (type === 'iCalendar') return faultOfCalendarUrl(address);
  return isHost(address) ? undefined : `"${address}" is neither a host name nor an address`;
}

/** How a gateway is named where everybody may read it: URLs of calendars may hold secrets. */
export function nameOfGateway({ type, address }: PresenceGateway): string {
  return `${type} ${type === 'iCalendar' ? calendarServerOf(address) : address}`;
}

/** Checks that the whole makes sense. @throws ConfigurationError `configuration.semantics` naming the first bad element */
export function checkEngineConfiguration(configuration: EngineConfiguration): void {
  const { parameters, domains, defaultDomain, gateways, node, peer } = configuration;
  for (const [low, high] of WATERMARKS) {
    if (parameters[low] >= parameters[high]) throw wrong(`parameter ${low}`, `must be below ${high}`);
  }
  const bad = domains.find((domain) => !isHostName(domain));
  if (bad !== undefined) throw wrong(`domain ${bad}`, 'it is not a domain name');
  if (!domains.includes(defaultDomain)) {
    throw wrong('domains/@default', `the default domain "${defaultDomain}" is none of the domains`);
  }
  const seen = new Set<string>();
  for (const gateway of gateways) {
    const name = `gateway ${nameOfGateway(gateway)}`;
    const fault = faultOfGateway(gateway);
    if (fault !== undefined) throw wrong(name, fault);
    const key = gateway.type === 'iCalendar' ? gateway.type : name;
    if (seen.has(key)) throw wrong(name, gateway.type === 'iCalendar' ? 'there is another one' : 'given twice');
    seen.add(key);
  }
  // The engine of a subscriber serves the users of its group: without one there is nobody to serve.
  if (!node.isPublisher && node.group === 0) throw wrong(`node ${node.name}`, 'it is in no presence redundancy group');
  if (peer && !isHost(peer.address)) throw wrong(`peer ${peer.name}`, `"${peer.address}" is not an address`);
}

function wrong(element: string, message: string): ConfigurationError {
  return new ConfigurationError('configuration.semantics', element, message);
}
