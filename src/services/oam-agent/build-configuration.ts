import { isHostName } from '../../rpc/handover/addresses.ts';
import { type ConfigurationProblem, resolveParameters, unknownParameters } from '../../rpc/handover/parameters.ts';
import {
  type EngineConfiguration,
  faultOfGateway,
  GATEWAY_TYPES,
  nameOfGateway,
  type PresenceGateway,
} from '../../rpc/presence-engine/configuration.ts';
import { ENGINE_PARAMETERS, type EngineParameters, WATERMARKS } from '../../rpc/presence-engine/parameters.ts';
import type { OamAgentRows } from './read-rows.ts';

export interface BuiltEngineConfiguration {
  readonly configuration: EngineConfiguration | { readonly nothing: string };
  /** What was left out, or kept at its old value. */
  readonly problems: readonly ConfigurationProblem[];
}

/** The complete configuration, depending on the rows' content alone. What is not valid is left out and named. */
export function buildEngineConfiguration(
  rows: OamAgentRows,
  nodeName: string,
  previous: EngineConfiguration | undefined,
): BuiltEngineConfiguration {
  const problems: ConfigurationProblem[] = unknownParameters(ENGINE_PARAMETERS, rows.parameters);
  const resolved = resolveParameters(ENGINE_PARAMETERS, rows.parameters, nodeName, previous?.parameters);
  problems.push(...resolved.problems);
  const parameters = withOrderedWatermarks(resolved.values, previous?.parameters, problems);

  const domains = [...new Set(rows.domains.map(({ domain }) => domain.toLowerCase()))].sort().filter((domain) => {
    const isGood = isHostName(domain);
    if (!isGood) problems.push({ element: `imdomain ${domain}`, reason: 'it is not a domain name' });
    return isGood;
  });
  const defaultDomain = rows.domains.find(({ isdefault }) => isdefault === 1)?.domain.toLowerCase();
  const gateways = usableGateways(rows, problems);

  const own = rows.nodes.find(({ name }) => name === nodeName);
  if (!own) return { configuration: { nothing: `this node (${nodeName}) is not in the topology` }, problems };
  if (defaultDomain === undefined || !domains.includes(defaultDomain)) {
    return { configuration: { nothing: 'there is no default IM domain' }, problems };
  }
  const { id, name, subclusterid, isprimary } = own;
  const peer = rows.nodes
    .filter((node) => node.id !== id && subclusterid !== 0 && node.subclusterid === subclusterid)
    .sort((a, b) => a.id - b.id)[0];
  const configuration: EngineConfiguration = {
    parameters,
    domains,
    defaultDomain,
    node: { id, name, group: subclusterid, isPublisher: isprimary === 1 },
    peer: peer ? { id: peer.id, name: peer.name, address: peer.address } : null,
    gateways,
  };
  return { configuration, problems };
}

/** A low watermark at or above its high one: both stay as they were. */
function withOrderedWatermarks(
  values: EngineParameters,
  previous: EngineParameters | undefined,
  problems: ConfigurationProblem[],
): EngineParameters {
  let ordered = values;
  for (const [low, high] of WATERMARKS) {
    if (values[low] < values[high]) continue;
    const kept = {
      [low]: previous?.[low] ?? ENGINE_PARAMETERS[low].default,
      [high]: previous?.[high] ?? ENGINE_PARAMETERS[high].default,
    };
    ordered = { ...ordered, ...kept };
    const reason = `${values[low]} is not below ${high} ${values[high]}; ${kept[low]} and ${kept[high]} stay`;
    problems.push({ element: `parameter ${low}`, reason });
  }
  return ordered;
}

function usableGateways(rows: OamAgentRows, problems: ConfigurationProblem[]): PresenceGateway[] {
  const found = new Map<string, PresenceGateway>();
  for (const { type, gateway } of rows.gateways) {
    const made: PresenceGateway = { type, address: gateway };
    // One calendar a user: of two gateways neither would be the right one.
    const key = type === 'iCalendar' ? type : `${type} ${gateway}`;
    const isSecond = type === 'iCalendar' && found.has(key);
    const reason = GATEWAY_TYPES.includes(type)
      ? (faultOfGateway(made) ?? (isSecond ? 'there is another one' : undefined))
      : `its type is none of ${GATEWAY_TYPES.join(', ')}`;
    if (reason !== undefined) problems.push({ element: `presencegateway ${nameOfGateway(made)}`, reason });
    else found.set(key, made);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, gateway]) => gateway);
}
