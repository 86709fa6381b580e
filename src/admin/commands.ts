import { ImpError } from '../platform/errors.ts';
import type { AnyCommand } from './command.ts';
import { assignmentCommands } from './commands/assignment.ts';
import { certsCommands } from './commands/certs.ts';
import { changesCommands } from './commands/changes.ts';
import { gatewayCommands } from './commands/gateway.ts';
import { haCommands } from './commands/ha.ts';
import { notificationCommands } from './commands/notifications.ts';
import { peerCommands } from './commands/peer.ts';
import { rccCommands } from './commands/rcc.ts';
import { serviceCommands } from './commands/service.ts';
import { statusCommands } from './commands/status.ts';
import { syncCommands } from './commands/sync.ts';
import { userCommands } from './commands/user.ts';

/** Everything an administrator can see or do on a node. */
export const commands: readonly AnyCommand[] = [
  ...statusCommands,
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
  ...certsCommands,
];

/** The command of these words: `service restart`. @throws ImpError when it is not declared, which is our own mistake */
export function commandNamed(words: string): AnyCommand {
  const found = commands.find((each) => each.words.join(' ') === words);
  if (!found) throw new ImpError('internal', 'admin.unknown-command', `there is no command ${words}`);
  return found;
}
