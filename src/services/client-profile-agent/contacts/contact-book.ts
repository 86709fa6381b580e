import { Refusal } from '../errors.ts';
import { contactKey } from './names-of-contacts.ts';

export interface BookGroup {
  readonly pkid: string;
  name: string;
  readonly position: number;
  /** Contacts by key, in the order they stand in the group; the value is the position. */
  readonly members: Map<string, number>;
}

export interface BookContact {
  readonly pkid: string;
  readonly user: string;
  readonly domain: string;
  nickname: string;
  isPresenceAware: boolean;
}

export interface NewContact {
  readonly user: string;
  readonly domain: string;
  /** Undefined leaves what is there. */
  readonly nickname: string | undefined;
  readonly isPresenceAware: boolean | undefined;
}

/**
 * A user's contact list in memory while a request changes it. Names given to it are checked and normal already.
 * Nothing here reads or writes the IDS: `contact-book-store.ts` saves the difference.
 */
export class ContactBook {
  readonly groups = new Map<string, BookGroup>();
  readonly contacts = new Map<string, BookContact>();
  readonly #newPkid: () => string;

  constructor(newPkid: () => string) {
    this.#newPkid = newPkid;
  }

  ensureGroup(name: string): BookGroup {
    const known = this.groups.get(name);
    if (known) return known;
    let position = 0;
    for (const group of this.groups.values()) position = Math.max(position, group.position + 1);
    const made: BookGroup = { pkid: this.#newPkid(), name, position, members: new Map() };
    this.groups.set(name, made);
    return made;
  }

  /** @throws Refusal `unknownGroup`, `groupExists` */
  renameGroup(name: string, newName: string): void {
    const group = this.#group(name);
    if (newName === name) return;
    if (this.groups.has(newName)) throw new Refusal('groupExists');
    this.groups.delete(name);
    group.name = newName;
    this.groups.set(newName, group);
  }

  /** Removes the group; a contact left in none goes too. @throws Refusal `unknownGroup` */
  deleteGroup(name: string): void {
    const group = this.#group(name);
    this.groups.delete(name);
    for (const key of group.members.keys()) this.#dropIfNowhere(key);
  }

  addContact(groupName: string, contact: NewContact): void {
    const group = this.ensureGroup(groupName);
    const key = contactKey(contact.user, contact.domain);
    const known = this.contacts.get(key);
    if (known) this.#update(known, contact);
    else {
      this.contacts.set(key, {
        pkid: this.#newPkid(),
        user: contact.user,
        domain: contact.domain,
        nickname: contact.nickname ?? '',
        isPresenceAware: contact.isPresenceAware ?? true,
      });
    }
    this.#join(group, key);
  }

  /** Renames and, with `newGroup`, moves. @throws Refusal `unknownGroup`, `unknownContact` */
  modifyContact(groupName: string, contact: NewContact, newGroup: string | undefined): void {
    const group = this.#group(groupName);
    const key = contactKey(contact.user, contact.domain);
    const known = this.contacts.get(key);
    if (!known || !group.members.has(key)) throw new Refusal('unknownContact');
    this.#update(known, contact);
    if (newGroup === undefined || newGroup === groupName) return;
    this.#join(this.ensureGroup(newGroup), key);
    group.members.delete(key);
  }

  /** Removes from that group only; out of its last group it is no contact any more. Absent: nothing happens. */
  deleteContact(groupName: string, user: string, domain: string): void {
    const key = contactKey(user, domain);
    if (this.groups.get(groupName)?.members.delete(key)) this.#dropIfNowhere(key);
  }

  #group(name: string): BookGroup {
    const group = this.groups.get(name);
    if (!group) throw new Refusal('unknownGroup');
    return group;
  }

  #update(known: BookContact, { nickname, isPresenceAware }: NewContact): void {
    if (nickname !== undefined) known.nickname = nickname;
    if (isPresenceAware !== undefined) known.isPresenceAware = isPresenceAware;
  }

  #join(group: BookGroup, key: string): void {
    if (group.members.has(key)) return;
    let position = 0;
    for (const taken of group.members.values()) position = Math.max(position, taken + 1);
    group.members.set(key, position);
  }

  #dropIfNowhere(key: string): void {
    for (const group of this.groups.values()) if (group.members.has(key)) return;
    this.contacts.delete(key);
  }
}
