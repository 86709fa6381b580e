import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { SignIn } from '../../sign-in/sign-in.ts';
import type { XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import type { ClientSession, LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { failure } from './answers.ts';
import type { ContactListCache } from './contacts/contact-list-cache.ts';
import type { CpaCounters } from './counters.ts';
import { Refusal } from './errors.ts';
import type { KeptAnswer } from './kept-answer.ts';

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
  /** Its `remoteAddress` is asked of the system when it is read: most operations have no use for it. */
  readonly socket: { readonly remoteAddress?: string | undefined };
  /** Of this request; stands at every change that it makes. */
  readonly requestId: string;
}

/** What stands inside the answer's `-resp` element, or the whole answer where it is kept. */
export type AnswerContent = Markup | KeptAnswer;

/** One operation of the WSDL. */
export interface Operation {
  readonly name: string;
  /** What session its caller must have. */
  readonly session: 'none' | 'any' | 'enduser';
  /** It writes nothing to the IDS. */
  readonly isRead: boolean;
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
    isRead: isRead(name),
    async invoke(needs, payload, caller) {
      try {
        return await run(needs, read(payload, needs), caller);
      } catch (error) {
        return failureOf(error);
      }
    },
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
    isRead: isRead(name),
    async invoke(needs, payload, _caller, session) {
      if (!session) throw new Error(`${name} was called without the session it declares`);
      try {
        return await run(needs, read(payload, needs), session);
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

/** The interface names its operations so. */
function isRead(name: string): boolean {
  return name.startsWith('get-') || name.startsWith('search-');
}

function failureOf(error: unknown): AnswerContent {
  if (error instanceof Refusal) return failure(error.refusal);
  throw error;
}
