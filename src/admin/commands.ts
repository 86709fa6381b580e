import { ImpError } from '../platform/errors.ts';
import type { AnyCommand } from './command.ts';
import { assignmentCommands } from './commands/assignment.ts';
import { auditCommands } from './commands/audit.ts';
import { certsCommands } from './commands/certs.ts';
import { changesCommands } from './commands/changes.ts';
import { counterCommands } from './commands/counters.ts';
import { diagnoseCommands } from './commands/diagnose.ts';
import { gatewayCommands } from './commands/gateway.ts';
import { haCommands } from './commands/ha.ts';
import { notificationCommands } from './commands/notifications.ts';
import { parameterCommands } from './commands/parameter.ts';
import { peerCommands } from './commands/peer.ts';
import { rccCommands } from './commands/rcc.ts';
import { serviceCommands } from './commands/service.ts';
import { statusCommands } from './commands/status.ts';
import { syncCommands } from './commands/sync.ts';
import { topologyCommands } from './commands/topology.ts';
import { userCommands } from './commands/user.ts';

/** Everything an administrator can see or do on a node. */
export const commands: readonly AnyCommand[] = [
  ...statusCommands,
  ...diagnoseCommands,
  ...notificationCommands,
  ...serviceCommands,
  ...syncCommands,
  ...changesCommands,
  ...userCommands,
  ...assignmentCommands,
  ...haCommands,
  ...rccCommands,
  ...gatewayCommands,
  ...peerCommands,
  ...parameterCommands,
  ...topologyCommands,
  ...certsCommands,
  ...counterCommands,
  ...auditCommands,
];

/** The command of these words: `service restart`. @throws ImpError when it is not declared, which is our own mistake */
export function commandNamed(words: string): AnyCommand {
  const found = commands.find((each) => each.words.join(' ') === words);
  if (!found) throw new ImpError('internal', 'admin.unknown-command', `there is no command ${words}`);
  return found;
}
