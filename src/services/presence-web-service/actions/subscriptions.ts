import { ImpError } from '../../../platform/errors.ts';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { PwsFault } from '../errors.ts';
import { EVENT_TYPE, MAX_CONTACTS, PWS_SERVICE } from '../names.ts';
import type { ActionNeeds } from '../needs.ts';
import type { Subscription } from '../pools/registrations.ts';
import type { Contact } from './contacts.ts';
import { endPointOf } from './end-points.ts';
import { expiryMs } from './expiry.ts';
import { addressOf, requireAlive } from './session.ts';

export interface SubscribeRequest {
  /** 0: a new one. */
  readonly id: number;
  readonly type: string;
  /** Null when no list is given. */
  readonly contacts: readonly Contact[] | null;
  /** Seconds; undefined or 0 when there is none. */
  readonly expiration: number | undefined;
  /** 0 when none is given; a refresh needs none. */
  readonly endPointId: number;
}

export const BACK_END_ALARM = 'PWSAboveSipSubscriptionLimit';

/** Name of a subscription in the Presence Datastore. */
export function dialogOf(id: number): string {
  return `pws/${id}`;
}

/** Opens a subscription; or adds contacts to one, renews it, or both. @throws PwsFault */
export async function subscribe(
  needs: ActionNeeds,
  session: ClientSession,
  request: SubscribeRequest,
): Promise<number> {
  if (request.type !== EVENT_TYPE) throw new PwsFault('badSubscriptionType');
  const watcher = await addressOf(needs, session);
  return request.id === 0
    ? await open(needs, session, request, watcher)
    : await extend(needs, session, request, subscriptionOf(needs, session, request.id));
}

async function open(
  needs: ActionNeeds,
  session: ClientSession,
  request: SubscribeRequest,
  watcher: string,
): Promise<number> {
  const { registrations, notifier } = needs;
  const { contacts } = request;
  if (!contacts) throw new PwsFault(request.expiration ? 'noContactList' : 'nothingToDo');
  const lifeMs = expiryMs(request.expiration);
  const endPoint = endPointOf(needs, session.owner?.sessionId, request.endPointId);
  const subscription = registrations.subscriptions.add(
    (id) => ({
      ...{ id, sessionId: session.id, watcher, endPointId: endPoint.id },
      contacts: new Map(),
      seenAsContact: new Set(),
    }),
    lifeMs,
  );
  if (!subscription) throw new PwsFault('noFreeSubscription');
  try {
    await watchContacts(needs, subscription, contacts, lifeMs);
  } catch (error) {
    registrations.subscriptions.remove(subscription.id);
    throw error;
  }
  await requireAlive(needs, session);
  // The first callback at once: the application does not know anything yet.
  notifier.changed(subscription, needs.revision() + 1);
  return subscription.id;
}

async function extend(
  needs: ActionNeeds,
  session: ClientSession,
  request: SubscribeRequest,
  subscription: Subscription,
): Promise<number> {
  const { subscriptions } = needs.registrations;
  const hasExpiry = request.expiration !== undefined && request.expiration !== 0;
  if (!hasExpiry && !request.contacts) throw new PwsFault('nothingToDo');
  const renewedMs = hasExpiry ? expiryMs(request.expiration) : undefined;
  const added = (request.contacts ?? []).filter(({ address }) => !subscription.contacts.has(address));
  if (subscription.contacts.size + added.length > MAX_CONTACTS) throw new PwsFault('badContactCount');
  if (request.endPointId !== 0) {
    subscription.endPointId = endPointOf(needs, session.owner?.sessionId, request.endPointId).id;
  }
  const lifeMs = renewedMs ?? subscriptions.remainingMs(subscription.id);
  if (renewedMs !== undefined) {
    subscriptions.renew(subscription.id, renewedMs);
    const known = [...subscription.contacts].map(([address, uri]): Contact => ({ address, uri }));
    await watchContacts(needs, subscription, known, lifeMs);
  }
  await watchContacts(needs, subscription, added, lifeMs);
  if (added.length > 0) needs.notifier.changed(subscription, needs.revision() + 1);
  return subscription.id;
}

/** @param contacts null: all. @throws PwsFault 133, 137, 144 */
export async function unsubscribe(
  needs: ActionNeeds,
  session: ClientSession,
  id: number,
  contacts: readonly Contact[] | null,
): Promise<void> {
  const subscription = subscriptionOf(needs, session, id);
  const { registrations, presenceDatastore } = needs;
  if (contacts?.some(({ address }) => !subscription.contacts.has(address))) throw new PwsFault('unknownContact');
  if (!contacts || contacts.length === subscription.contacts.size) {
    registrations.subscriptions.remove(id);
    return;
  }
  for (const { address } of contacts) {
    registrations.removeContact(subscription, address);
    await presenceDatastore.unsubscribe(address, subscription.watcher, dialogOf(id));
  }
}

/** @throws PwsFault 133, 137 */
export function subscriptionOf(needs: ActionNeeds, session: ClientSession, id: number): Subscription {
  const subscription = needs.registrations.subscriptions.get(id);
  if (!subscription) throw new PwsFault('noSubscription');
  if (subscription.sessionId !== session.id) throw new PwsFault('foreignSubscription');
  return subscription;
}

/** All or none of the contacts. @throws PwsFault 211 */
async function watchContacts(
  needs: ActionNeeds,
  subscription: Subscription,
  contacts: readonly Contact[],
  lifeMs: number,
): Promise<void> {
  const { presenceDatastore, registrations, alarms } = needs;
  const dialog = dialogOf(subscription.id);
  const added: string[] = [];
  try {
    for (const { address, uri } of contacts) {
      const row = { presentity: address, event: PRESENCE_EVENT, watcher: subscription.watcher, dialog };
      await presenceDatastore.subscribe(row, lifeMs);
      if (subscription.contacts.has(address)) continue;
      registrations.addContact(subscription, address, uri);
      added.push(address);
    }
  } catch (error) {
    for (const address of added) {
      registrations.removeContact(subscription, address);
      await presenceDatastore.unsubscribe(address, subscription.watcher, dialog);
    }
    if (!(error instanceof ImpError) || error.code !== 'datastore.full') throw error;
    alarms.raise(PWS_SERVICE, BACK_END_ALARM, 4, 'no more subscriptions fit into the Presence Datastore');
    throw new PwsFault('noFreeBackEnd', undefined, { cause: error });
  }
  if (added.length > 0) alarms.clear(PWS_SERVICE, BACK_END_ALARM);
}
