import type { IncomingHttpHeaders } from 'node:http';
import type { Markup } from '../../../xml/write.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { sessionOf, type Who } from '../actions/session.ts';
import { type FaultName, PwsFault } from '../errors.ts';
import type { ActionNeeds, Caller } from '../needs.ts';

export interface RestRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** '' when there is none, and for GET, whose body is not looked at. */
  readonly body: string;
  readonly caller: Caller;
  /** `https://host:port` of the listener that it came by. */
  readonly origin: string;
  /** Port of our HTTPS listener, which is that of every node. */
  readonly httpsPort: number;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Markup;
}

/** One action of the REST face, on a target of one kind. */
export interface RestHandler<Target> {
  /** For metrics and the log, in the words of the SOAP face. */
  readonly operation: string;
  /** What is said when we fail. */
  readonly failure: FaultName;
  run(needs: ActionNeeds, request: RestRequest, target: Target): Promise<RestAnswer>;
}

/** Handlers by method. */
export type RestHandlers<Target> = Readonly<Record<string, RestHandler<Target>>>;

export function sessionKeyOf(request: RestRequest): string {
  return headerOf(request, 'presence-session-key') ?? '';
}

export function headerOf(request: RestRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value.trim() : undefined;
}

/** The session of the request, which must be that of the path's user where the path has one. @throws PwsFault */
export async function ownSession(
  needs: ActionNeeds,
  request: RestRequest,
  who: Who,
  user?: string,
): Promise<ClientSession> {
  const session = await sessionOf(needs, sessionKeyOf(request), who);
  if (user !== undefined && user.toLowerCase() !== session.userid.toLowerCase()) throw new PwsFault('sessionNotValid');
  return session;
}

export const OK: RestAnswer = { status: 200 };

/** 201 with a `Location` that ends in the id: clients read it from there. */
export function created(request: RestRequest, path: string, id: number): RestAnswer {
  return { status: 201, headers: { location: `${request.origin}${path}/${id}` } };
}
