import { attribute, element, elements, textOf, type XmlElement } from '../xml/element.ts';
import { PidfError } from './errors.ts';
import { NOBODY, type Pidf, type PidfPerson, type PidfTuple } from './pidf.ts';

/** Bounds of what is kept of a document; past them it is refused. */
const MAX_TUPLES = 100;
const MAX_ACTIVITIES = 50;
const MAX_ABILITIES = 50;

/** Elements inside `activities` that are no activities. */
const BESIDE_ACTIVITIES: ReadonlySet<string> = new Set(['phone-status', 'im-status', 'user-input', 'note']);

/**
 * Reads a `presence` element. Names are matched by local name alone: phones, clients and scripts put the same elements
 * into different namespaces, or into none.
 * @throws PidfError `pidf.not-presence`, `pidf.too-large`
 */
export function readPidf(root: XmlElement): Pidf {
  if (root.local !== 'presence') throw new PidfError('pidf.not-presence', 'the root element is not presence');
  const tuples = elements(root, 'tuple');
  if (tuples.length > MAX_TUPLES) throw new PidfError('pidf.too-large', `more than ${MAX_TUPLES} tuples`);
  const person = element(root, 'person');
  const displayName = textIn(root, 'display-name') || textIn(root, 'displayname');
  return {
    entity: attribute(root, 'entity')?.trim() ?? '',
    person: person ? readPerson(person, displayName) : displayName === '' ? null : { ...NOBODY, displayName },
    tuples: tuples.map(readTuple),
  };
}

function readPerson(person: XmlElement, displayName: string): PidfPerson {
  const activities = element(person, 'activities');
  const named = activities ? elements(activities).filter(({ local }) => !BESIDE_ACTIVITIES.has(local)) : [];
  if (named.length > MAX_ACTIVITIES) throw new PidfError('pidf.too-large', `more than ${MAX_ACTIVITIES} activities`);
  // Some stand inside activities in one client's document and beside it in another's.
  const value = (name: string): string => textIn(activities, name) || textIn(person, name);
  return {
    id: attribute(person, 'id')?.trim() ?? '',
    activities: named.map(({ local }) => local.toLowerCase()),
    phoneStatus: value('phone-status'),
    imStatus: value('im-status'),
    userInput: value('user-input'),
    class: textIn(person, 'class'),
    note: textIn(person, 'note'),
    displayName: displayName || textIn(person, 'display-name'),
  };
}

function readTuple(tuple: XmlElement): PidfTuple {
  const status = element(tuple, 'status');
  const contact = element(tuple, 'contact');
  const abilities = element(tuple, 'servcaps');
  const named = abilities ? elements(abilities) : [];
  if (named.length > MAX_ABILITIES) throw new PidfError('pidf.too-large', `more than ${MAX_ABILITIES} abilities`);
  return {
    id: attribute(tuple, 'id')?.trim() ?? '',
    basic: textIn(status, 'basic').toLowerCase() === 'open' ? 'open' : 'closed',
    contact: contact ? { uri: textOf(contact).trim(), priority: attribute(contact, 'priority')?.trim() ?? '' } : null,
    abilities: named.map((each) => ({ name: each.local, value: textOf(each).trim() })),
    userInput: textIn(tuple, 'user-input'),
    source: textIn(tuple, 'source'),
    note: textIn(tuple, 'note'),
  };
}

function textIn(parent: XmlElement | undefined, name: string): string {
  const found = parent && element(parent, name);
  return found ? textOf(found).trim() : '';
}
