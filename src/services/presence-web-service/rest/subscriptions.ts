import { element, type XmlElement } from '../../../xml/element.ts';
import { readContacts } from '../actions/contacts.ts';
import { subscribe, unsubscribe } from '../actions/subscriptions.ts';
import { PwsFault } from '../errors.ts';
import { BASE_PATH, EVENT_TYPE } from '../names.ts';
import { childContacts, childId, childText, parseBody, toId } from '../read-request.ts';
import { expiryOf } from './end-points.ts';
import { created, OK, ownSession, type RestHandlers, type RestRequest } from './rest-handler.ts';
import type { RestTarget } from './rest-target.ts';

const pathOf = (user: string): string => `${BASE_PATH}/users/${encodeURIComponent(user)}/subscriptions`;

/** POST subscribes. Source: seen in clients. */
export const SUBSCRIPTIONS: RestHandlers<Extract<RestTarget, { kind: 'subscriptions' }>> = {
  POST: {
    operation: 'subscribe',
    failure: 'subscribeFailed',
    async run(needs, request, { user }) {
      const session = await ownSession(needs, request, 'enduser', user);
      const body = rootOf(request.body);
      const type = childText(body, 'subscriptionType')?.trim() ?? '';
      return created(request, pathOf(user), await subscribe(needs, session, read(request, body, 0, type)));
    },
  },
};

/** PUT adds contacts or renews, DELETE unsubscribes. Source: DELETE seen in clients, PUT inferred, its body ours. */
export const SUBSCRIPTION: RestHandlers<Extract<RestTarget, { kind: 'subscription' }>> = {
  PUT: {
    operation: 'subscribe',
    failure: 'subscribeFailed',
    async run(needs, request, { user, id }) {
      const session = await ownSession(needs, request, 'enduser', user);
      // A refresh may be the header alone.
      const body = request.body.trim() === '' ? undefined : rootOf(request.body);
      const type = (body && childText(body, 'subscriptionType')?.trim()) ?? EVENT_TYPE;
      return created(request, pathOf(user), await subscribe(needs, session, read(request, body, pathId(id), type)));
    },
  },
  DELETE: {
    operation: 'unsubscribe',
    failure: 'unsubscribeFailed',
    async run(needs, request, { user, id }) {
      const session = await ownSession(needs, request, 'enduser', user);
      await unsubscribe(needs, session, pathId(id), request.body.trim() === '' ? null : listOf(request.body));
      return OK;
    },
  },
};

function read(
  request: RestRequest,
  body: XmlElement | undefined,
  id: number,
  type: string,
): Parameters<typeof subscribe>[2] {
  return {
    id,
    type,
    contacts: body ? childContacts(body) : null,
    expiration: expiryOf(request, body),
    endPointId: body ? childId(body, 'endPointID', 'noEndpoint') : 0,
  };
}

function pathId(text: string): number {
  const id = toId(text, 'noSubscription');
  if (id === 0) throw new PwsFault('noSubscription');
  return id;
}

function rootOf(body: string): XmlElement {
  const root = parseBody(body);
  if (root.local !== 'subscription') throw new PwsFault('wrongRoot');
  return root;
}

/** The contacts to be taken out: the list itself, or one inside a subscription. */
function listOf(body: string): ReturnType<typeof readContacts> {
  const root = parseBody(body);
  if (root.local !== 'contactsList' && root.local !== 'subscription') throw new PwsFault('wrongRoot');
  const list = root.local === 'contactsList' ? root : element(root, 'contactsList');
  if (!list) throw new PwsFault('noContactList');
  return readContacts(list);
}
