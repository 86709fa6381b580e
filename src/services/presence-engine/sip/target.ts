import type { Ids } from '../../../ids/ids.ts';
import { refusal } from '../../../sip/errors.ts';
import { requestUri, type SipRequest } from '../../../sip/message/message.ts';
import { MEDIA, OPTION } from '../names.ts';
import { isContactOf, readContactList } from '../watching/contact-lists.ts';
import type { Residents } from '../watching/residents.ts';
import type { Resource, Target } from '../watching/subscription.ts';
import { addressOfUri } from './addresses.ts';
import { readResourceLists } from './resource-lists.ts';

/** `alice-contacts@domain` names Alice's contact list. */
const CONTACTS_SUFFIX = '-contacts';

export interface TargetNeeds {
  readonly ids: Ids;
  readonly residents: Residents;
  /** Users in one list. */
  readonly maxListResources: () => number;
}

export interface WantedTarget {
  readonly target: Target;
  readonly resources: ReadonlyMap<string, Resource>;
  /** Somebody is watched who is not on the watcher's contact list. */
  readonly isAdHoc: boolean;
}

/**
 * What a SUBSCRIBE is for: a user; the watcher's own contact list (to `<user>-contacts@domain`, or to the user with
 * `Require: eventlist`); or, to the watcher's own address, the list in its body (RFC 5367).
 * @throws SipError 400, 403, 404, 406, 413, 415, 421, 480
 */
export async function targetOf(needs: TargetNeeds, request: SipRequest, watcher: string): Promise<WantedTarget> {
  const address = addressOfUri(requestUri(request));
  if (address === undefined) throw refusal(404, 'Not Found');
  const isRecipientList = request.headers.lists('require', OPTION.recipientList);
  const owner = await listOwner(needs, address);
  const isContactList = owner !== undefined || (request.headers.lists('require', OPTION.eventList) && !isRecipientList);
  if (!isRecipientList && !isContactList) {
    checkAccept(request, [MEDIA.pidf]);
    await needs.residents.require(address);
    const isAdHoc = address !== watcher && (await isStranger(needs, watcher, [address]));
    return { target: { kind: 'user' }, resources: new Map([[address, { uri: `sip:${address}`, name: '' }]]), isAdHoc };
  }

  if ((owner ?? address) !== watcher) throw refusal(403, "Only One's Own List");
  const user = await needs.residents.require(watcher);
  // RFC 4662 4.2: a list is shown to who has said that it can read one.
  const canRead =
    request.headers.lists('supported', OPTION.eventList) || request.headers.lists('require', OPTION.eventList);
  if (!canRead) throw refusal(421, 'Extension Required', { Require: OPTION.eventList });
  checkAccept(request, [MEDIA.pidf, MEDIA.rlmi, MEDIA.multipart]);
  const most = needs.maxListResources();
  if (isRecipientList) {
    const resources = readResourceLists(request, most);
    return { target: { kind: 'list' }, resources, isAdHoc: await isStranger(needs, watcher, [...resources.keys()]) };
  }
  const resources = await readContactList(needs.ids.read, user.pkid, most);
  return { target: { kind: 'contacts', owner: user.pkid }, resources, isAdHoc: false };
}

/** Who watches a user: that is for the user alone to know. @throws SipError 403, 404, 406, 480 */
export async function watchersTargetOf(
  needs: TargetNeeds,
  request: SipRequest,
  watcher: string,
): Promise<WantedTarget> {
  const address = addressOfUri(requestUri(request));
  if (address === undefined) throw refusal(404, 'Not Found');
  checkAccept(request, [MEDIA.watcherInfo]);
  await needs.residents.require(address);
  if (address !== watcher) throw refusal(403, "Only One's Own Watchers");
  const resources = new Map([[address, { uri: `sip:${address}`, name: '' }]]);
  return { target: { kind: 'watchers' }, resources, isAdHoc: false };
}

/** Whose contact list an address names; undefined when it is somebody's own address, or no list's. */
async function listOwner({ residents }: TargetNeeds, address: string): Promise<string | undefined> {
  const at = address.lastIndexOf('@');
  const user = address.slice(0, at);
  if (!user.endsWith(CONTACTS_SUFFIX) || (await residents.find(address)).kind !== 'nobody') return undefined;
  return user.slice(0, -CONTACTS_SUFFIX.length) + address.slice(at);
}

/** Watchers of other domains have no contact list here that they could stand on. */
async function isStranger(
  { ids, residents }: TargetNeeds,
  watcher: string,
  addresses: readonly string[],
): Promise<boolean> {
  const residence = await residents.find(watcher);
  if (residence.kind !== 'here') return false;
  for (const address of addresses) if (!(await isContactOf(ids.read, residence.user.pkid, address))) return true;
  return false;
}

/** RFC 6665 4.1.2.1, RFC 4662 4.3: without Accept the package's own format is taken. */
function checkAccept(request: SipRequest, needed: readonly string[]): void {
  if (!request.headers.has('accept')) return;
  const taken = request.headers.list('accept').map(({ value }) => value);
  const isTaken = (type: string): boolean =>
    taken.includes(type) || taken.includes(`${type.split('/')[0]}/*`) || taken.includes('*/*');
  if (!needed.every(isTaken)) throw refusal(406, 'Not Acceptable', { Accept: needed.join(', ') });
}
