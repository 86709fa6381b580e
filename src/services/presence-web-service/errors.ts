import { type ErrorKind, ImpError } from '../../platform/errors.ts';

/** Everything a client may be told, by number; `status` is that of the REST face. */
export const FAULTS = {
  noSessionKey: { number: 100, status: 401, reason: 'A session key is needed' },
  sessionNotValid: { number: 101, status: 401, reason: 'The session key is not valid' },
  notXml: { number: 102, status: 400, reason: 'The XML of the request cannot be parsed' },
  wrongRoot: { number: 103, status: 400, reason: 'The root element is not the one expected' },
  badPresenceType: {
    number: 110,
    status: 400,
    reason: 'The presence type must be BASIC_PRESENCE or RICH_PRESENCE',
  },
  emptyPassword: { number: 111, status: 400, reason: 'The password must not be empty' },
  badLoginType: {
    number: 112,
    status: 400,
    reason: 'A log-in needs a password, or the session key of an application user',
  },
  badUserName: { number: 113, status: 404, reason: 'The user name is empty, or there is no such user' },
  loginFailed: { number: 114, status: 400, reason: 'The log-in failed' },
  noBasicPresence: { number: 115, status: 400, reason: 'Basic presence is missing or empty' },
  cannotSet: { number: 120, status: 400, reason: 'The presence cannot be set: check the data' },
  availableOverride: { number: 121, status: 400, reason: 'AVAILABLE can only be set without override' },
  dndNoOverride: { number: 122, status: 400, reason: 'DND can only be set with override' },
  urlInRefresh: { number: 123, status: 400, reason: 'A refresh of an endpoint takes no URL' },
  badContact: { number: 124, status: 400, reason: 'A contact URI is not of the form user@domain' },
  badOverride: { number: 125, status: 400, reason: 'The override must be true or false' },
  noUrl: { number: 130, status: 400, reason: 'An endpoint needs the URL of its callback' },
  badExpiry: { number: 131, status: 400, reason: 'The expiry must be 3600 to 86400 seconds' },
  noEndpoint: { number: 132, status: 400, reason: 'There is no such endpoint' },
  noSubscription: { number: 133, status: 400, reason: 'There is no such subscription' },
  badSubscriptionType: { number: 134, status: 400, reason: 'The subscription type must be PRESENCE_NOTIFICATION' },
  badContactCount: { number: 135, status: 400, reason: 'The number of contacts must be 1 to 5000' },
  foreignEndpoint: { number: 136, status: 400, reason: 'The endpoint belongs to another session' },
  foreignSubscription: { number: 137, status: 400, reason: 'The subscription belongs to another session' },
  noFreeEndpoint: { number: 138, status: 400, reason: 'There is no free endpoint' },
  noFreeSubscription: { number: 139, status: 400, reason: 'There is no free subscription' },
  endUserNeeded: { number: 140, status: 400, reason: 'This needs the session of an end user' },
  applicationUserNeeded: { number: 141, status: 400, reason: 'This needs the session of an application user' },
  spacesInUrl: { number: 142, status: 400, reason: 'The URL of the endpoint contains spaces' },
  emptyContact: { number: 143, status: 400, reason: 'A contact is empty' },
  unknownContact: { number: 144, status: 400, reason: 'A contact is not part of the subscription' },
  nothingToDo: { number: 145, status: 400, reason: 'Neither an expiry nor contacts are given' },
  noContactList: { number: 146, status: 400, reason: 'A list of contacts is needed' },
  foreignElement: { number: 147, status: 400, reason: 'The list of contacts holds another element' },
  foreignAttribute: { number: 148, status: 400, reason: 'A contact has an unknown attribute' },
  unreadableBody: { number: 150, status: 400, reason: 'The body of the request cannot be read' },
  elsewhere: { number: 160, status: 409, reason: 'The user is logged in through another application' },
  badTupleId: { number: 161, status: 400, reason: 'With override the tuple id must be pws-override or pws-persistent' },
  badSource: {
    number: 162,
    status: 400,
    reason: 'Without override each tuple needs a source with the text Presence Web Service',
  },
  internal: { number: 200, status: 500, reason: 'The server could not do this' },
  unregisterFailed: { number: 201, status: 500, reason: 'The endpoint could not be unregistered' },
  subscribeFailed: { number: 202, status: 500, reason: 'The subscription could not be made' },
  unsubscribeFailed: { number: 203, status: 500, reason: 'The subscription could not be ended' },
  setFailed: { number: 204, status: 500, reason: 'The presence could not be set' },
  logoutFailed: { number: 205, status: 500, reason: 'The log-out could not be done' },
  loginBroken: { number: 208, status: 500, reason: 'The log-in could not be done' },
  registerFailed: { number: 209, status: 500, reason: 'The endpoint could not be registered' },
  overloaded: { number: 210, status: 503, reason: 'The server is too busy: try again later' },
  noFreeBackEnd: { number: 211, status: 503, reason: 'No more users can be watched now: try again later' },
  tooManyRequests: { number: 212, status: 503, reason: 'Too many requests a second: try again later' },
} as const satisfies Record<string, FaultRow>;

interface FaultRow {
  readonly number: number;
  readonly status: number;
  readonly reason: string;
}

export type FaultName = keyof typeof FAULTS;

/** Faults that the SOAP face answers with 503 as well; all others with 200. */
const SOAP_BUSY: ReadonlySet<number> = new Set([210, 212]);

/** A request that is refused. */
export class PwsFault extends ImpError {
  override readonly name = 'PwsFault';
  readonly fault: FaultName;
  readonly number: number;
  readonly restStatus: number;
  readonly soapStatus: number;
  /**
   * @param more what is wrong, as a clause that follows the row's reason; never quotes the request.
   * @param options.status HTTP status where it is not the row's: 413, 408, 415.
   */
  constructor(fault: FaultName, more?: string, options: { status?: number; cause?: unknown } = {}) {
    const row: FaultRow = FAULTS[fault];
    super(
      kindOf(row),
      `pws.fault-${row.number}`,
      more === undefined ? row.reason : `${row.reason}: ${more}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.fault = fault;
    this.number = row.number;
    this.restStatus = options.status ?? row.status;
    this.soapStatus = options.status ?? (SOAP_BUSY.has(row.number) ? 503 : 200);
  }
}

function kindOf({ number, status }: FaultRow): ErrorKind {
  if (status === 503) return 'unavailable';
  if (number >= 200) return 'internal';
  return number === 101 || number === 114 ? 'denied' : 'invalid';
}
