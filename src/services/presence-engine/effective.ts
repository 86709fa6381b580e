import type { PendingRestart } from '../../rpc/handover/restart-notices.ts';
import type { EngineConfiguration } from '../../rpc/presence-engine/configuration.ts';
import { ENGINE_PARAMETERS, type EngineParameters } from '../../rpc/presence-engine/parameters.ts';

type Name = keyof EngineParameters;

const RESTART = (Object.keys(ENGINE_PARAMETERS) as Name[]).filter(
  (name) => ENGINE_PARAMETERS[name].apply === 'restart',
);

/** What is in force after `newer` was loaded by an engine that was started with `started`. */
export function effectiveConfiguration(
  started: EngineConfiguration,
  newer: EngineConfiguration,
): { readonly configuration: EngineConfiguration; readonly restartNeeded: readonly PendingRestart[] } {
  const restartNeeded = RESTART.filter((name) => started.parameters[name] !== newer.parameters[name]).map((name) => ({
    setting: name,
    from: String(started.parameters[name]),
    to: String(newer.parameters[name]),
    table: 'serviceparameter',
    keyEnd: `\u001f${name}`,
  }));
  const kept = Object.fromEntries(RESTART.map((name) => [name, started.parameters[name]]));
  return { configuration: { ...newer, parameters: { ...newer.parameters, ...kept } }, restartNeeded };
}
