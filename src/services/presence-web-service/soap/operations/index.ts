import type { Operation } from '../operation.ts';
import { getPolledPresence } from './get-polled-presence.ts';
import { getSubscribedPresence } from './get-subscribed-presence.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { registerEndPoint } from './register-end-point.ts';
import { setPresence } from './set-presence.ts';
import { subscribe } from './subscribe.ts';
import { unregisterEndPoint } from './unregister-end-point.ts';
import { unsubscribe } from './unsubscribe.ts';

/** Operations by the name of their request's element. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  [
    login,
    logout,
    registerEndPoint,
    unregisterEndPoint,
    subscribe,
    unsubscribe,
    getPolledPresence,
    getSubscribedPresence,
    setPresence,
  ].map((operation) => [operation.name, operation]),
);
