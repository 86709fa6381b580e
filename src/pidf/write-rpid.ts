import { type Attributes, element, type Markup, textElement } from '../xml/write.ts';
import { PIDF_NAMESPACE, type Pidf, type PidfPerson, type PidfTuple } from './pidf.ts';

const STANDARD = {
  dataModel: 'urn:ietf:params:xml:ns:pidf:data-model',
  rpid: 'urn:ietf:params:xml:ns:pidf:rpid',
} as const;

/** Activities of RFC 4480. */
const RPID_ACTIVITIES: ReadonlySet<string> = new Set(
  (
    'appointment away breakfast busy dinner holiday in-transit looking-for-work lunch meal meeting on-the-phone other ' +
    'performance permanent-absence playing presentation shopping sleeping spectator steering travel tv unknown ' +
    'vacation working worship'
  ).split(' '),
);

/** What is no element name, or would be one of another kind, is left out. */
const NAME = /^[a-z][a-z0-9-]{0,63}$/i;
const ID = /^[\p{L}_][\p{L}\p{N}._-]*$/u;

/**
 * A `presence` document as SIP watchers expect it: PIDF (RFC 3863) with the person of the data model (RFC 4479) and
 * RPID (RFC 4480). An activity that RPID does not know stands in the product's namespace; do-not-disturb also as `busy`.
 */
export function writeRpid({ entity, person, tuples }: Pidf): Markup {
  return element(
    'presence',
    {
      xmlns: PIDF_NAMESPACE.pidf,
      'xmlns:dm': STANDARD.dataModel,
      'xmlns:rpid': STANDARD.rpid,
      'xmlns:c': PIDF_NAMESPACE.person,
      entity,
    },
    // RFC 3863 4.1: tuples before notes before everything else.
    ...tuples.map(writeTuple),
    ...(person ? [writePerson(person)] : []),
  );
}

function writePerson(person: PidfPerson): Markup {
  const names = person.activities.filter((name) => NAME.test(name));
  const activities = names.flatMap((name) => {
    if (RPID_ACTIVITIES.has(name)) return [element(`rpid:${name}`)];
    const own = element(`c:${name}`);
    return name === 'dnd' && !names.includes('busy') ? [own, element('rpid:busy')] : [own];
  });
  return element(
    'dm:person',
    { id: ID.test(person.id) ? person.id : 'person' },
    ...(activities.length === 0 ? [] : [element('rpid:activities', undefined, ...activities)]),
    ...optional('rpid:class', person.class),
    ...optional('rpid:user-input', person.userInput),
    ...optional('c:phone-status', person.phoneStatus),
    ...optional('c:im-status', person.imStatus),
    ...optional('display-name', person.displayName, { xmlns: PIDF_NAMESPACE.displayName }),
    ...optional('dm:note', person.note),
  );
}

function writeTuple(tuple: PidfTuple): Markup {
  const abilities = tuple.abilities.filter(({ name }) => NAME.test(name));
  return element(
    'tuple',
    { id: tuple.id },
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
    ...optional('rpid:user-input', tuple.userInput),
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
