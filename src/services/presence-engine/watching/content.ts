import { writeRpid } from '../../../pidf/write-rpid.ts';
import type { SubscriptionState } from '../../../sip/dialog/subscription.ts';
import { XML_DECLARATION } from '../../../xml/write.ts';
import { MEDIA, OPTION, RETRY_SECONDS } from '../names.ts';
import { type Instance, writeListDocument } from './list-document.ts';
import { isList, type Subscription } from './subscription.ts';
import type { View, Viewer } from './viewer.ts';
import { writeWatcherInfo } from './watcher-list.ts';

/** What a NOTIFY says. */
export interface Content {
  readonly state: SubscriptionState['state'];
  /** Why it is over, where what is watched ended it. */
  readonly end?: Extract<SubscriptionState, { state: 'terminated' }>;
  readonly contentType?: string;
  readonly body?: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Alike for two contents that tell a watcher the same; undefined: always news. */
  readonly print: string | undefined;
  /** Users for whom there was no room: they go into the next NOTIFY. */
  readonly leftOver: readonly string[];
}

/** Characters of documents in one NOTIFY of a list, which a peer must take whole. */
const LIST_CHARACTERS = 36 * 1024;

/**
 * What a subscription is told.
 * @param changed users that have changed, of a list; null: everything
 */
export async function contentOf(
  viewer: Viewer,
  subscription: Subscription,
  changed: ReadonlySet<string> | null,
): Promise<Content> {
  if (subscription.target.kind === 'watchers') return await watchersContent(viewer, subscription, changed === null);
  return isList(subscription)
    ? await listContent(viewer, subscription, changed)
    : await userContent(viewer, subscription);
}

/** Everybody who watches, or those who watch otherwise than was told. */
async function watchersContent(viewer: Viewer, subscription: Subscription, isFull: boolean): Promise<Content> {
  const { watcher, toldWatchers, listVersion } = subscription;
  const list = await viewer.watchers(watcher);
  const body = writeWatcherInfo(watcher, listVersion, list, toldWatchers, isFull);
  const print = list.entries.map(({ id, status }) => `${id} ${status}`).join('\n');
  if (isFull || print !== printOf(toldWatchers)) subscription.listVersion += 1;
  subscription.toldWatchers = new Map(list.entries.map((entry) => [entry.id, entry]));
  const content = { contentType: MEDIA.watcherInfo, body, headers: [], leftOver: [] };
  if (!list.isHere) return { ...content, state: 'terminated', end: endOf('nobody'), print: undefined };
  return { ...content, state: 'active', print };
}

function printOf(told: Subscription['toldWatchers']): string {
  return [...told.values()].map(({ id, status }) => `${id} ${status}`).join('\n');
}

async function userContent(viewer: Viewer, subscription: Subscription): Promise<Content> {
  const [address = ''] = subscription.resources.keys();
  const views = await viewer.view([address], subscription.watcher);
  const view = views.get(address) ?? { kind: 'rejected' };
  subscription.byContact = byContact(views);
  const nothing = { headers: [], leftOver: [] };
  switch (view.kind) {
    case 'pending':
      return { ...nothing, state: 'pending', print: 'pending' };
    case 'rejected':
      return { ...nothing, state: 'terminated', end: { state: 'terminated', reason: 'rejected' }, print: 'rejected' };
    default: {
      const body = documentText(view);
      const content = { ...nothing, contentType: MEDIA.pidf, body, print: body };
      return view.kind === 'active'
        ? { ...content, state: 'active' }
        : { ...content, state: 'terminated', end: endOf(view.kind) };
    }
  }
}

async function listContent(
  viewer: Viewer,
  subscription: Subscription,
  changed: ReadonlySet<string> | null,
): Promise<Content> {
  const { resources, watcher, uri } = subscription;
  const asked = changed === null ? [...resources.keys()] : [...changed].filter((address) => resources.has(address));
  const views = await viewer.view(asked, watcher);
  const others = [...subscription.byContact].filter((address) => !views.has(address));
  subscription.byContact = new Set([...others, ...byContact(views)]);
  const instances = new Map<string, Instance | null>();
  const leftOver: string[] = [];
  let characters = 0;
  for (const address of asked) {
    const instance = instanceOf(views.get(address));
    // In a full list everybody has a place, though not everybody's document fits (RFC 4662 5.2).
    if (characters > 0 && characters + instance.body.length > LIST_CHARACTERS) {
      leftOver.push(address);
      if (changed === null) instances.set(address, null);
      continue;
    }
    characters += instance.body.length;
    instances.set(address, instance);
  }
  const { contentType, body } = writeListDocument({
    uri,
    version: subscription.listVersion,
    isFull: changed === null,
    resources: [...instances].map(([address, instance]) => ({
      uri: resources.get(address)?.uri ?? `sip:${address}`,
      name: resources.get(address)?.name ?? '',
      instance,
    })),
  });
  subscription.listVersion += 1;
  return {
    state: 'active',
    contentType,
    body,
    headers: [['Require', OPTION.eventList]],
    print: undefined,
    leftOver,
  };
}

function instanceOf(view: View | undefined): Instance {
  switch (view?.kind) {
    case 'active':
      return { state: 'active', reason: '', body: documentText(view) };
    case 'pending':
      return { state: 'pending', reason: '', body: '' };
    case 'nobody':
      return { state: 'terminated', reason: 'noresource', body: '' };
    case 'elsewhere':
      return { state: 'terminated', reason: 'probation', body: '' };
    default:
      return { state: 'terminated', reason: 'rejected', body: '' };
  }
}

function byContact(views: ReadonlyMap<string, View>): ReadonlySet<string> {
  const found = [...views].filter(([, view]) => view.kind === 'active' && view.isByContact);
  return new Set(found.map(([address]) => address));
}

function documentText({ document }: Extract<View, { document: unknown }>): string {
  return `${XML_DECLARATION}\n${writeRpid(document)}`;
}

/** Who has moved is found again by the way that the proxy knows then; who is gone is not. */
function endOf(kind: 'nobody' | 'elsewhere'): Extract<SubscriptionState, { state: 'terminated' }> {
  return kind === 'nobody'
    ? { state: 'terminated', reason: 'noresource' }
    : { state: 'terminated', reason: 'probation', retryAfterSeconds: RETRY_SECONDS };
}
