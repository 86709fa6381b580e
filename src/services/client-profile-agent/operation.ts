import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { SignIn } from '../../sign-in/sign-in.ts';
import type { SoapVersion } from '../../soap/envelope.ts';
import type { XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import type { ClientSession, LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { failure } from './answers.ts';
import type { ContactListCache } from './contacts/contact-list-cache.ts';
import type { CpaCounters } from './counters.ts';
import { Refusal } from './errors.ts';

/** What operations work with. */
export interface OperationNeeds {
  readonly ids: Ids;
  readonly loginDatastore: LoginDatastore;
  readonly routeDatastore: RouteDatastore;
  /** The log-in, shared with the Presence Web Service. */
  readonly signIn: SignIn<ClientSession>;
  readonly contactLists: ContactListCache;
  readonly counters: CpaCounters;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly log: Log;
  /** The presence domain of the system. */
  readonly domain: string;
  readonly maxContacts: number;
}

/** What an operation knows of its caller. */
export interface Caller {
  readonly address: string;
}

/** What stands inside the answer's `-resp` element; a cached one keeps whole envelopes beside it. */
export type AnswerContent = Markup | CachedContent;

export interface CachedContent {
  readonly content: Markup;
  /** Whole answers without header blocks, made when first asked for. */
  readonly envelopes: Partial<Record<SoapVersion, Buffer>>;
}

/** One operation of the WSDL. */
export interface Operation {
  readonly name: string;
  /** What session its caller must have. */
  readonly session: 'none' | 'any' | 'enduser';
  /** Reads the payload and does it. @throws CpaFault */
  invoke(
    needs: OperationNeeds,
    payload: XmlElement,
    caller: Caller,
    session: ClientSession | undefined,
  ): Promise<AnswerContent>;
}

type Read<Request> = (payload: XmlElement, needs: OperationNeeds) => Request;

/** An operation that needs no session. */
export function openOperation<Request>(definition: {
  readonly name: string;
  readonly read: Read<Request>;
  readonly run: (needs: OperationNeeds, request: Request, caller: Caller) => Promise<AnswerContent>;
}): Operation {
  const { name, read, run } = definition;
  return {
    name,
    session: 'none',
    invoke: async (needs, payload, caller) => await orFailure(run(needs, read(payload, needs), caller)),
  };
}

/** An operation of a signed-in client. A `Refusal` that it throws becomes `failure`. */
export function sessionOperation<Request>(definition: {
  readonly name: string;
  readonly session: 'any' | 'enduser';
  readonly read: Read<Request>;
  readonly run: (needs: OperationNeeds, request: Request, session: ClientSession) => Promise<AnswerContent>;
}): Operation {
  const { name, session: kind, read, run } = definition;
  return {
    name,
    session: kind,
    async invoke(needs, payload, _caller, session) {
      if (!session) throw new Error(`${name} was called without the session it declares`);
      return await orFailure(run(needs, read(payload, needs), session));
    },
  };
}

async function orFailure(answer: Promise<AnswerContent>): Promise<AnswerContent> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refusal) return failure(error.refusal);
    throw error;
  }
}
