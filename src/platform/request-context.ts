import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** What travels with a request from the listener to the last notified component. */
export interface RequestContext {
  readonly requestId: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `task` under a request id; it is stamped on every change that the task writes to the IDS. */
export function withRequest<T>(requestId: string, task: () => T): T {
  return storage.run({ requestId }, task);
}

export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId;
}

/** 72 random bits of this process, made once, and a number: as good as random ones each time, at a tenth of the cost. */
const OWN_PART = randomBytes(9).toString('base64url');
let lastNumber = 0;

/** Names a request over nodes and restarts. */
export function newRequestId(): string {
  lastNumber += 1;
  return `${OWN_PART}.${lastNumber}`;
}
