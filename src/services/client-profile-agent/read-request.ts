import { attribute, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { CpaFault } from './errors.ts';
import { EPAS_NAMESPACE } from './names.ts';

/*
 * Readers of the request's parts. What breaks the schema is fault 103 here, so that operations only meet typed
 * requests. Attributes that the schema does not know are let through: clients decorate elements with type hints.
 */

function breach(what: string): CpaFault {
  return new CpaFault('notUnderstood', what);
}

/** All child elements, which must be of our namespace and of the names given; text beside them must be white space. */
export function childrenOf(parent: XmlElement, names: readonly string[], namespace = EPAS_NAMESPACE): XmlElement[] {
  const found = elements(parent);
  for (const child of found) {
    if (child.uri !== namespace || !names.includes(child.local)) throw breach(`unexpected element in ${parent.local}`);
  }
  for (const child of parent.children) {
    if (typeof child === 'string' && child.trim() !== '') throw breach(`unexpected text in ${parent.local}`);
  }
  return found;
}

/** Children that may each occur at most once, in the schema's order. */
export function sectionsOf(parent: XmlElement, names: readonly string[]): XmlElement[] {
  const found = childrenOf(parent, names);
  let last = -1;
  for (const child of found) {
    const place = names.indexOf(child.local);
    if (place <= last) throw breach(`${child.local} out of its place in ${parent.local}`);
    last = place;
  }
  return found;
}

export function readEmpty(payload: XmlElement): null {
  childrenOf(payload, []);
  return null;
}

/** Text of an element that has no child elements. */
export function simpleText(element: XmlElement): string {
  if (elements(element).length > 0) throw breach(`unexpected element in ${element.local}`);
  return textOf(element);
}

/** XML Schema's token: white space at the ends dropped, inside collapsed. */
export function token(text: string): string {
  return text.replace(/[ \t\r\n]+/g, ' ').trim();
}

export function tokenText(element: XmlElement): string {
  return token(simpleText(element));
}

export function requiredAttribute(element: XmlElement, name: string): string {
  const value = attribute(element, name);
  if (value === undefined) throw breach(`${element.local} needs the attribute ${name}`);
  return value;
}

/** XML Schema's boolean: `true`, `false`, `1`, `0`. */
export function booleanAttribute(element: XmlElement, name: string, fallback: boolean): boolean {
  const value = attribute(element, name)?.trim();
  if (value === undefined) return fallback;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw breach(`the attribute ${name} of ${element.local} must be a boolean`);
}

/** One of the words allowed. */
export function oneOf<const Word extends string>(value: string, words: readonly Word[], where: string): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw breach(`the value of ${where} must be one of ${words.join(', ')}`);
  return found;
}

export function wordAttribute<const Word extends string>(
  element: XmlElement,
  name: string,
  words: readonly Word[],
  fallback: Word,
): Word {
  const value = attribute(element, name);
  return value === undefined ? fallback : oneOf(token(value), words, name);
}

export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** `PropertyListType`, and the properties inside other types. */
export function readProperties(parent: XmlElement): NamedValue[] {
  return childrenOf(parent, ['property']).map((child) => ({
    name: requiredAttribute(child, 'name'),
    value: simpleText(child),
  }));
}

export interface PersonaId {
  readonly user: string;
  readonly domain: string;
  readonly nickname: string | undefined;
  readonly newGroup: string | undefined;
  readonly isPresenceAware: boolean | undefined;
}

/** The three ways to name somebody: domain in the attribute, after the last `@` of the text, or the presence domain. */
export function readPersonaId(element: XmlElement, presenceDomain: string): PersonaId {
  const text = tokenText(element);
  const domain = attribute(element, 'domain');
  const at = text.lastIndexOf('@');
  const [user, host] =
    domain !== undefined
      ? [text, token(domain)]
      : at >= 0
        ? [text.slice(0, at), text.slice(at + 1)]
        : [text, presenceDomain];
  const isPresenceAware = booleanAttribute(element, 'presence-aware', true);
  return {
    user,
    domain: host.toLowerCase(),
    nickname: attribute(element, 'nickname'),
    newGroup: attribute(element, 'new-group'),
    isPresenceAware: attribute(element, 'presence-aware') === undefined ? undefined : isPresenceAware,
  };
}

export interface ContactGroup {
  readonly name: string;
  readonly newName: string | undefined;
  readonly personas: readonly PersonaId[];
}

/** `ContactListType`. */
export function readContactList(payload: XmlElement, presenceDomain: string): ContactGroup[] {
  return childrenOf(payload, ['group']).map((group) => ({
    name: requiredAttribute(group, 'name'),
    newName: attribute(group, 'new-name'),
    personas: childrenOf(group, ['persona-id']).map((persona) => readPersonaId(persona, presenceDomain)),
  }));
}

/** `ContactQueryType`: contacts asked for; none means all. */
export function readContactQuery(payload: XmlElement, presenceDomain: string): PersonaId[] {
  return childrenOf(payload, ['persona-id']).map((persona) => readPersonaId(persona, presenceDomain));
}

/** `ContactListType` where groups alone are meant. */
export function readGroups(payload: XmlElement): Pick<ContactGroup, 'name' | 'newName'>[] {
  return childrenOf(payload, ['group']).map((group) => {
    childrenOf(group, []);
    return { name: requiredAttribute(group, 'name'), newName: attribute(group, 'new-name') };
  });
}

/** A contact named by the attributes `user` and `domain`, read as in `readPersonaId`. */
export function readPersonaAttributes(element: XmlElement, presenceDomain: string): { user: string; domain: string } {
  const { user, domain } = readPersonaId(
    {
      ...element,
      attributes: element.attributes.filter(({ local }) => local === 'domain'),
      children: [requiredAttribute(element, 'user')],
    },
    presenceDomain,
  );
  return { user, domain };
}
