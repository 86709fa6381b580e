import { type ErrorKind, ImpError } from '../../platform/errors.ts';

/**
 * Everything a client may be told, by number. Numbers below 170 and from 200 on are those of the Presence Web Service
 * for the same cases; the others are ours. The reason of every fault that is the sender's begins with "Invalid
 * request": a known client searches answers for these words.
 */
export const FAULTS = {
  noSessionKey: {
    number: 100,
    code: 'Sender',
    subcode: 'invalid-session',
    status: 200,
    reason: 'Invalid request: a session key is needed',
  },
  sessionNotValid: {
    number: 101,
    code: 'Sender',
    subcode: 'invalid-session',
    status: 200,
    reason: 'Invalid request: session key is not valid',
  },
  notXml: {
    number: 102,
    code: 'Sender',
    subcode: 'invalid-request',
    status: 400,
    reason: 'Invalid request: the body cannot be parsed',
  },
  notUnderstood: {
    number: 103,
    code: 'Sender',
    subcode: 'invalid-request',
    status: 200,
    reason: 'Invalid request: the body is not a known request',
  },
  endUserNeeded: {
    number: 140,
    code: 'Sender',
    subcode: 'not-permitted',
    status: 200,
    reason: 'Invalid request: the session of an end user is needed',
  },
  applicationUserNeeded: {
    number: 141,
    code: 'Sender',
    subcode: 'not-permitted',
    status: 200,
    reason: 'Invalid request: the session of an application user is needed',
  },
  internal: {
    number: 200,
    code: 'Receiver',
    subcode: 'server-error',
    status: 200,
    reason: 'The server could not do this',
  },
  busy: {
    number: 212,
    code: 'Receiver',
    subcode: 'busy',
    status: 503,
    reason: 'The server cannot do this now: try again later',
  },
} as const satisfies Record<string, FaultRow>;

interface FaultRow {
  readonly number: number;
  readonly code: 'Sender' | 'Receiver';
  /** A name in the interface's namespace. */
  readonly subcode: string;
  /** HTTP: faults are answered with 200, as clients of this interface look for them there. */
  readonly status: number;
  readonly reason: string;
}

export type FaultName = keyof typeof FAULTS;

/** A request that is answered with a fault. */
export class CpaFault extends ImpError {
  override readonly name = 'CpaFault';
  readonly fault: FaultName;
  /** HTTP status where it is not the row's: 413, 408, 415. */
  readonly status: number;
  /** @param more what is wrong, as a clause that follows the row's reason; never quotes the request. */
  constructor(fault: FaultName, more?: string, options: { status?: number; cause?: unknown } = {}) {
    const row = FAULTS[fault];
    const kind: ErrorKind = fault === 'busy' ? 'unavailable' : fault === 'internal' ? 'internal' : 'invalid';
    super(kind, `cpa.fault-${row.number}`, more === undefined ? row.reason : `${row.reason}: ${more}`, options);
    this.fault = fault;
    this.status = options.status ?? row.status;
  }
}

/** A request that is understood but cannot be done: `failure` in the answer. All numbers but 114 are ours. */
export const REFUSALS = {
  loginFailed: { number: 114, reason: 'Login failed: the user name or the password is not valid' },
  notThirdParty: { number: 114, reason: 'Login failed: the application user is not in the group Admin-3rd Party API' },
  badApplicationKey: {
    number: 114,
    reason: 'Login failed: app-session-id is not the session key of an application user',
  },
  tooManyAttempts: { number: 170, reason: 'Login failed: too many wrong passwords, try again in a minute' },
  notAssigned: { number: 171, reason: 'Login failed: the user is not assigned to a node' },
  notEnabled: { number: 172, reason: 'Login failed: the user is not enabled for IM and Presence' },
  clientTooOld: { number: 173, reason: 'Login failed: the client does not meet the minimal version requirement' },
  listFull: { number: 180, reason: 'the contact list would become larger than allowed' },
  ownContact: { number: 181, reason: 'a user cannot be a contact of their own' },
  unknownGroup: { number: 182, reason: 'there is no such group' },
  groupExists: { number: 183, reason: 'there is a group of the new name already' },
  unknownContact: { number: 184, reason: 'there is no such contact in the group' },
  badName: { number: 185, reason: 'a name must have 1 to 255 characters, none of them a control character' },
  badContact: { number: 186, reason: 'a contact must be a user id, with a domain in the attribute or after an @' },
  unknownProperty: { number: 187, reason: 'there is no such property' },
  badValue: { number: 188, reason: 'the value of a property is not allowed' },
  tooManyProperties: { number: 189, reason: 'too many client properties' },
  badWatcher: { number: 190, reason: 'a watcher must be user@domain, or a domain where the type says so' },
  duplicateRule: { number: 191, reason: 'two rules have the same id' },
  tooManyEntries: { number: 192, reason: 'too many entries' },
} as const;

export type RefusalName = keyof typeof REFUSALS;

/** Ends an operation with `failure`, with nothing changed: thrown inside a transaction it rolls back. */
export class Refusal extends ImpError {
  override readonly name = 'Refusal';
  readonly refusal: RefusalName;
  constructor(refusal: RefusalName) {
    super('conflict', `cpa.refusal-${REFUSALS[refusal].number}`, REFUSALS[refusal].reason);
    this.refusal = refusal;
  }
}
