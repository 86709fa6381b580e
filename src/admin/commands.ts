import type { AnyCommand } from './command.ts';
import { assignmentCommands } from './commands/assignment.ts';
import { certsCommands } from './commands/certs.ts';
import { changesCommands } from './commands/changes.ts';
import { notificationCommands } from './commands/notifications.ts';
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
  ...rccCommands,
  ...certsCommands,
];
