import { type Attributes, element, type Markup, textElement } from '../xml/write.ts';
import { PIDF_NAMESPACE, type Pidf, type PidfPerson, type PidfTuple } from './pidf.ts';

/** Activities and abilities are written as element names: what is none, or would be a name of another kind, is left out. */
const NAME = /^[a-z][a-z0-9-]{0,63}$/i;

/** A `presence` element in its own namespaces, to stand alone or inside other XML. */
export function writePidf({ entity, person, tuples }: Pidf): Markup {
  const displayName = person?.displayName ?? '';
  return element(
    'presence',
    { xmlns: PIDF_NAMESPACE.pidf, entity },
    ...(person ? [writePerson(person)] : []),
    ...(displayName === '' ? [] : [textElement('display-name', displayName, { xmlns: PIDF_NAMESPACE.displayName })]),
    ...tuples.map(writeTuple),
  );
}

function writePerson(person: PidfPerson): Markup {
  const activities = [
    ...optional('user-input', person.userInput),
    ...person.activities.filter((name) => NAME.test(name)).map((name) => element(name)),
    ...optional('phone-status', person.phoneStatus),
    ...optional('im-status', person.imStatus),
  ];
  return element(
    'person',
    { xmlns: PIDF_NAMESPACE.person, id: person.id },
    ...(activities.length === 0 ? [] : [element('activities', undefined, ...activities)]),
    ...optional('class', person.class),
    ...optional('note', person.note),
  );
}

function writeTuple(tuple: PidfTuple): Markup {
  const abilities = tuple.abilities.filter(({ name }) => NAME.test(name));
  return element(
    'tuple',
    { id: tuple.id },
    // RFC 3863 4.1.2: status, then extensions, then contact, then notes.
    element('status', undefined, textElement('basic', tuple.basic)),
    ...(abilities.length === 0
      ? []
      : [
          element(
            'servcaps',
            { xmlns: PIDF_NAMESPACE.abilities },
            ...abilities.map(({ name, value }) => textElement(name, value)),
          ),
        ]),
    ...optional('user-input', tuple.userInput),
    ...optional('source', tuple.source, { xmlns: PIDF_NAMESPACE.source }),
    ...(tuple.contact
      ? [textElement('contact', tuple.contact.uri, { priority: tuple.contact.priority || undefined })]
      : []),
    ...optional('note', tuple.note),
  );
}

function optional(name: string, value: string, attributes?: Attributes): Markup[] {
  return value === '' ? [] : [textElement(name, value, attributes)];
}
