import type { Parameter, ParameterTable } from '../rpc/handover/parameters.ts';
import { ENGINE_PARAMETERS } from '../rpc/presence-engine/parameters.ts';
import { BASE_PARAMETERS, DYNAMIC_PARAMETERS } from '../rpc/sip-proxy/parameters.ts';

/** Service parameters that are declared, by service: what the Configuration page and `imp parameter` show. */
export const PARAMETERS: Readonly<Record<string, ParameterTable>> = {
  'sip-proxy': { ...BASE_PARAMETERS, ...DYNAMIC_PARAMETERS },
  'presence-engine': ENGINE_PARAMETERS,
};

/** The values that a parameter takes, in words. */
export function rangeOf(parameter: Parameter): string {
  switch (parameter.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `${parameter.min} to ${parameter.max}`;
    case 'choice':
      return parameter.choices.join(', ');
    case 'text':
      return `text, at most ${parameter.maxLength} characters`;
  }
}

/** A parameter by service and name, both in any case. */
export function findParameter(
  service: string,
  name: string,
): { service: string; name: string; parameter: Parameter } | undefined {
  const table = PARAMETERS[service.toLowerCase()];
  const found = Object.entries(table ?? {}).find(([each]) => each.toLowerCase() === name.toLowerCase());
  return found && { service: service.toLowerCase(), name: found[0], parameter: found[1] };
}
