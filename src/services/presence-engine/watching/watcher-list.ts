import { createHash } from 'node:crypto';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { judgeWatcher } from '../../../presence/watcher-permission.ts';
import { readWatcherPolicies } from '../../../presence/watcher-policies.ts';
import { element, textElement, XML_DECLARATION } from '../../../xml/write.ts';
import type { ViewerNeeds } from './viewer.ts';

/** Who watches whom: the package that watches `presence` (RFC 3857). */
export const WATCHER_INFO_EVENT = 'presence.winfo';

const NAMESPACE = 'urn:ietf:params:xml:ns:watcherinfo';

/** One subscription to a user, whatever interface it came by. */
export interface WatcherEntry {
  /** The same for as long as it lasts. */
  readonly id: string;
  /** Bare address. */
  readonly watcher: string;
  readonly status: 'active' | 'pending';
}

/** Where a told watcher is now, in the words of RFC 3857 4.7.1. */
interface Told {
  readonly id: string;
  readonly watcher: string;
  readonly status: 'active' | 'pending' | 'terminated';
  readonly event: 'subscribe' | 'approved' | 'timeout' | 'rejected';
}

export interface WatcherList {
  /** The user is served here. */
  readonly isHere: boolean;
  readonly entries: readonly WatcherEntry[];
  /** Watchers who may not see the user: they stand in no list, and whoever stood there has been rejected. */
  readonly blocked: ReadonlySet<string>;
}

/** Other people who watch a user now. Who is politely blocked is active, and who is blocked does not watch. */
export async function readWatcherList(
  { ids, presenceDatastore, residents, configuration }: ViewerNeeds,
  presentity: string,
): Promise<WatcherList> {
  const residence = await residents.find(presentity);
  if (residence.kind !== 'here') return { isHere: false, entries: [], blocked: new Set() };
  const rows = await presenceDatastore.watchersOf(presentity, PRESENCE_EVENT);
  const others = rows.filter(({ watcher }) => watcher !== presentity);
  const { parameters, domains } = configuration();
  const subject = { pkid: residence.user.pkid, address: presentity };
  const watchers = [...new Set(others.map(({ watcher }) => watcher))];
  const policy = (await readWatcherPolicies(ids.read, [subject], watchers, parameters)).get(subject.pkid);
  const inside = new Set(domains.map((domain) => domain.toLowerCase()));
  const blocked = new Set<string>();
  const entries: WatcherEntry[] = [];
  for (const { watcher, dialog } of others) {
    const isInternal = inside.has(watcher.slice(watcher.lastIndexOf('@') + 1));
    const decision = policy === undefined ? 'block' : judgeWatcher(policy, { address: watcher, isInternal }).decision;
    if (decision === 'block') blocked.add(watcher);
    else entries.push({ id: idOf(watcher, dialog), watcher, status: decision === 'ask' ? 'pending' : 'active' });
  }
  return { isHere: true, entries: entries.sort((a, b) => (a.id < b.id ? -1 : 1)), blocked };
}

/**
 * A `watcherinfo` document (RFC 3858): everybody, or what has changed since `before`.
 * @param before undefined: everybody is told
 */
export function writeWatcherInfo(
  presentity: string,
  version: number,
  { entries, blocked }: WatcherList,
  before: ReadonlyMap<string, WatcherEntry>,
  isFull: boolean,
): string {
  const told: Told[] = [];
  for (const entry of entries) {
    const known = before.get(entry.id);
    const event = known?.status === 'pending' && entry.status === 'active' ? 'approved' : 'subscribe';
    if (isFull || known?.status !== entry.status) told.push({ ...entry, event });
  }
  const now = new Set(entries.map(({ id }) => id));
  for (const { id, watcher } of before.values()) {
    if (now.has(id) || isFull) continue;
    told.push({ id, watcher, status: 'terminated', event: blocked.has(watcher) ? 'rejected' : 'timeout' });
  }
  const list = element(
    'watcher-list',
    { resource: `sip:${presentity}`, package: PRESENCE_EVENT },
    ...told.map(({ id, watcher, status, event }) => textElement('watcher', `sip:${watcher}`, { id, status, event })),
  );
  const attributes = { xmlns: NAMESPACE, version, state: isFull ? 'full' : 'partial' };
  return `${XML_DECLARATION}\n${element('watcherinfo', attributes, list)}`;
}

function idOf(watcher: string, dialog: string): string {
  return `w${createHash('sha256').update(`${watcher}\n${dialog}`).digest('hex').slice(0, 12)}`;
}
