import { element, type Markup, textElement } from '../../../xml/write.ts';
import type { PwsFault } from '../errors.ts';
import type { ActionNeeds } from '../needs.ts';
import { toFault } from '../to-fault.ts';
import { END_POINT, END_POINTS } from './end-points.ts';
import { CONTACTS, PRESENCE, SUBSCRIBED } from './presence.ts';
import type { RestAnswer, RestHandler, RestHandlers, RestRequest } from './rest-handler.ts';
import type { RestTarget } from './rest-target.ts';
import { SESSION } from './sessions.ts';
import { SUBSCRIPTION, SUBSCRIPTIONS } from './subscriptions.ts';

const HANDLERS: {
  readonly [Kind in Exclude<RestTarget['kind'], 'not-found'>]: RestHandlers<Extract<RestTarget, { kind: Kind }>>;
} = {
  session: SESSION,
  endpoints: END_POINTS,
  endpoint: END_POINT,
  subscriptions: SUBSCRIPTIONS,
  subscription: SUBSCRIPTION,
  contacts: CONTACTS,
  subscribed: SUBSCRIBED,
  presence: PRESENCE,
};

export interface RestResult extends RestAnswer {
  /** For metrics and the log. */
  readonly operation: string;
  /** `ok`, or the number of the error. */
  readonly outcome: string;
}

/** Methods that a target takes; none: there is no such target. */
export function methodsOf(target: RestTarget): readonly string[] {
  return target.kind === 'not-found' ? [] : Object.keys(HANDLERS[target.kind]);
}

/** From a request to its answer: every refusal is an answer too. The target must take the method. */
export async function restExchange(needs: ActionNeeds, request: RestRequest, target: RestTarget): Promise<RestResult> {
  const handler = handlerOf(target, request.method);
  try {
    const answer = await handler.run(needs, request, target);
    return { ...answer, operation: handler.operation, outcome: 'ok' };
  } catch (error) {
    const fault = toFault(needs.log, error, handler.failure, handler.operation);
    return { ...faultAnswer(fault), operation: handler.operation, outcome: String(fault.number) };
  }
}

export function faultAnswer(fault: PwsFault): RestAnswer & { readonly body: Markup } {
  return {
    status: fault.restStatus,
    body: element('error', undefined, textElement('code', fault.number), textElement('message', fault.message)),
  };
}

function handlerOf(target: RestTarget, method: string): RestHandler<RestTarget> {
  // The table pairs each kind with handlers of that kind; the compiler cannot follow the pairing through the look-up.
  const handlers = target.kind === 'not-found' ? undefined : (HANDLERS[target.kind] as RestHandlers<RestTarget>);
  const handler = handlers?.[method];
  if (!handler) throw new Error(`no handler for ${method} on ${target.kind}`);
  return handler;
}
