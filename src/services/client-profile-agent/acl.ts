import type { XmlElement } from '../../xml/element.ts';
import { isDomain } from './contacts/names-of-contacts.ts';
import { Refusal } from './errors.ts';
import { tokenText, wordAttribute } from './read-request.ts';

export type WatcherType = 'user' | 'domain';

export interface AclWatcher {
  readonly watcher: string;
  readonly type: WatcherType;
}

/** The watcher of an `acl-entry`, as it is kept: in lower case. */
export function readWatcher(entry: XmlElement): AclWatcher {
  return { watcher: tokenText(entry).toLowerCase(), type: wordAttribute(entry, 'type', ['user', 'domain'], 'user') };
}

/** A user must have both parts of its address, a domain must be one. @throws Refusal `badWatcher` */
export function checkWatcher({ watcher, type }: AclWatcher): void {
  const at = watcher.lastIndexOf('@');
  const isRight = type === 'user' ? at > 0 && isDomain(watcher.slice(at + 1)) : isDomain(watcher);
  if (!isRight || watcher.length > 511) throw new Refusal('badWatcher');
}
