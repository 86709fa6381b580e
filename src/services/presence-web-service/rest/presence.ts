import { textOf } from '../../../xml/element.ts';
import { contactsOf } from '../actions/contacts.ts';
import { polledPresence, subscribedPresence } from '../actions/read-presence.ts';
import { type SetPresenceRequest, setPresence } from '../actions/set-presence.ts';
import { PwsFault } from '../errors.ts';
import type { PresenceType } from '../names.ts';
import { checkPidfSize, parseBody, toId, toNumber, toOverride } from '../read-request.ts';
import { writePresence } from '../write-presence.ts';
import { headerOf, OK, ownSession, type RestHandlers } from './rest-handler.ts';
import type { RestTarget } from './rest-target.ts';

/** GET reads the presence of contacts. Source: seen in clients; several contacts at once and the body are ours. */
export const CONTACTS: RestHandlers<Extract<RestTarget, { kind: 'contacts' }>> = {
  GET: {
    operation: 'getPolledPresence',
    failure: 'internal',
    async run(needs, request, { user, type, uris }) {
      const session = await ownSession(needs, request, 'enduser', user);
      const found = await polledPresence(needs, session, contactsOf(uris), type);
      return { status: 200, body: writePresence('', type, found) };
    },
  },
};

/** GET reads the presence of a subscription and sets its next callback free. Source: seen in clients; the body is ours. */
export const SUBSCRIBED: RestHandlers<Extract<RestTarget, { kind: 'subscribed' }>> = {
  GET: {
    operation: 'getSubscribedPresence',
    failure: 'internal',
    async run(needs, request, { user, type, id }) {
      const session = await ownSession(needs, request, 'enduser', user);
      const found = await subscribedPresence(needs, session, toId(id, 'noSubscription'), type);
      return { status: 200, body: writePresence('', type, found) };
    },
  },
};

/** PUT sets presence. Source: seen in clients; the status is ours. */
export const PRESENCE: RestHandlers<Extract<RestTarget, { kind: 'presence' }>> = {
  PUT: {
    operation: 'setPresence',
    failure: 'setFailed',
    async run(needs, request, { user, type }) {
      const session = await ownSession(needs, request, 'enduser', user);
      const override = headerOf(request, 'presence-override');
      await setPresence(needs, session, {
        info: infoOf(request.body, type),
        override: override !== undefined && toOverride(override),
        expiration: toNumber(headerOf(request, 'presence-expiry')),
      });
      return OK;
    },
  },
};

function infoOf(body: string, type: PresenceType): SetPresenceRequest['info'] {
  if (type === 'RICH_PRESENCE') {
    checkPidfSize(body);
    return { kind: 'rich', root: parseBody(body) };
  }
  if (body.trim() === '') throw new PwsFault('noBasicPresence');
  const root = parseBody(body);
  if (root.local !== 'presence') throw new PwsFault('wrongRoot');
  return { kind: 'basic', state: textOf(root).trim() };
}
