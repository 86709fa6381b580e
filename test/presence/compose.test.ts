import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NOBODY, type Pidf, type PidfTuple } from '../../src/pidf/pidf.ts';
import { readPidf } from '../../src/pidf/read-pidf.ts';
import { writePidf } from '../../src/pidf/write-pidf.ts';
import { writeRpid } from '../../src/pidf/write-rpid.ts';
import { basicStateOf } from '../../src/presence/basic-state.ts';
import { composePresence } from '../../src/presence/compose.ts';
import type { Publication, PublicationKind } from '../../src/presence/publication.ts';
import { parseXml } from '../../src/xml/parse.ts';

const BOB = 'bob@acme.example';
const tuple = (id: string, basic: 'open' | 'closed' = 'open'): PidfTuple => ({
  id,
  basic,
  contact: null,
  abilities: [],
  userInput: '',
  source: '',
  note: '',
});
let age = 0;
const says = (source: string, activities: readonly string[], parts: Partial<Publication> = {}): Publication => {
  age += 1;
  return {
    presentity: BOB,
    event: 'presence',
    source,
    kind: 'client',
    sessionId: '',
    document: { entity: `sip:${BOB}`, person: { ...NOBODY, activities }, tuples: [tuple(source)] },
    publishedAt: age,
    ...parts,
  };
};
const composed = (...publications: readonly Publication[]): Pidf => composePresence(BOB, publications);
const stateOf = (...publications: readonly Publication[]): string => basicStateOf(composed(...publications));
/** `xmpp away`, `phone dnd`, `calendar busy+meeting` … */
const parse = (words: string): Publication[] =>
  words === ''
    ? []
    : words.split(', ').map((each, index) => {
        const [kind, activities = ''] = each.split(' ');
        return says(`s${index}`, activities.split('+'), { kind: kind as PublicationKind });
      });

describe('the composition', () => {
  it('is unavailable when nobody says anything', () => {
    assert.deepEqual(composed(), {
      entity: `sip:${BOB}`,
      person: { ...NOBODY, id: 'bob', activities: ['unavailable'] },
      tuples: [],
    });
  });

  it('takes the state that ranks first among the clients', () => {
    const ranked = ['dnd', 'busy', 'available', 'vacation', 'away', 'unavailable'] as const;
    for (const [index, first] of ranked.entries()) {
      for (const second of ranked.slice(index)) {
        assert.equal(stateOf(says('a', [second]), says('b', [first])), first.toUpperCase(), `${first} ${second}`);
        assert.equal(stateOf(says('a', [first]), says('b', [second])), first.toUpperCase(), `${first} ${second}`);
      }
    }
  });

  it('tells what a calendar may say of its entry where the user has written nothing', () => {
    const client = says('a', ['away']);
    const document = { entity: '', person: { ...NOBODY, activities: ['busy', 'meeting'], note: 'Budget' }, tuples: [] };
    const meeting = says('calendar/1', [], { kind: 'calendar', document });
    assert.equal(composed(client, meeting).person?.note, 'Budget');
    const note = (text: string) => ({ ...NOBODY, activities: ['away'], note: text });
    const busy = says('b', [], { document: { entity: '', person: note('Back soon'), tuples: [] } });
    assert.equal(composed(busy, meeting).person?.note, 'Back soon');
    assert.equal(composed(meeting).person?.note, '');
  });

  // The table of docs/presence-composition.md, row by row: what is said, and what comes of it.
  const rows: readonly (readonly [string, string])[] = [
    ['client available', 'available'],
    ['sip available, xmpp away', 'available'],
    ['xmpp away, calendar vacation', 'vacation'],
    ['xmpp available, calendar vacation', 'available'],
    ['xmpp vacation, calendar vacation', 'vacation'],
    ['xmpp available, calendar busy+meeting', 'busy meeting'],
    ['xmpp away, calendar busy+meeting', 'busy meeting'],
    ['xmpp busy, calendar busy+meeting', 'busy meeting'],
    ['xmpp unavailable, calendar busy+meeting', 'unavailable'],
    ['calendar busy+meeting', 'unavailable'],
    ['calendar vacation', 'unavailable'],
    ['calendar available, xmpp away', 'away'],
    ['xmpp busy, phone busy+on-the-phone', 'busy on-the-phone'],
    ['xmpp available, phone busy+on-the-phone, calendar busy+meeting', 'busy on-the-phone meeting'],
    ['phone busy+on-the-phone', 'busy on-the-phone'],
    ['xmpp unavailable, phone busy+on-the-phone', 'busy on-the-phone'],
    ['sip on-the-phone, xmpp busy', 'on-the-phone'],
    ['phone available', 'unavailable'],
    ['phone available, xmpp away', 'away'],
    ['phone dnd', 'dnd'],
    ['phone dnd, xmpp available', 'dnd'],
    ['xmpp dnd, phone busy+on-the-phone', 'dnd on-the-phone'],
    ['override away, xmpp dnd, phone busy+on-the-phone, calendar busy+meeting', 'away'],
    ['override available, phone dnd', 'available'],
    ['override unavailable, xmpp available', 'unavailable'],
  ];
  for (const [said, expected] of rows) {
    it(`makes "${expected}" of "${said}"`, () => {
      assert.equal(composed(...parse(said)).person?.activities.join(' '), expected);
    });
  }

  it('lets an override decide, whatever it is, and shows the devices beside it', () => {
    const override = says('pws-override', ['away'], { kind: 'override' });
    const document = composed(says('phone', ['on-the-phone']), override, says('xmpp', ['dnd']));
    assert.equal(basicStateOf(document), 'AWAY');
    assert.deepEqual(
      document.tuples.map(({ id }) => id),
      ['xmpp', 'phone', 'pws-override'],
    );
  });

  it('takes the resource of higher priority among equals, then the newest, and its custom text', () => {
    const note = (text: string): Partial<Publication> => ({
      kind: 'xmpp',
      document: { entity: '', person: { ...NOBODY, activities: ['busy'], note: text }, tuples: [] },
    });
    const first = says('xmpp/a', [], { ...note('first'), priority: 5 });
    const newer = says('xmpp/b', [], { ...note('newer'), priority: 1 });
    assert.equal(composed(first, newer).person?.note, 'first');
    assert.equal(
      composed(says('xmpp/c', [], note('older')), says('xmpp/d', [], note('newest'))).person?.note,
      'newest',
    );
    // What the owner has written stays while a phone decides.
    const onPhone = composed(newer, says('phone/1', ['busy', 'on-the-phone'], { kind: 'phone' }));
    assert.equal(onPhone.person?.note, 'newer');
    assert.deepEqual([onPhone.person?.phoneStatus, onPhone.person?.imStatus], ['on-the-phone', 'busy']);
  });

  it('judges a document without a known activity by its devices, and writes that down', () => {
    const open = says('a', ['dancing']);
    assert.equal(stateOf(open), 'AVAILABLE');
    assert.deepEqual(composed(open).person?.activities, ['available', 'dancing']);
    const closed = { entity: '', person: null, tuples: [tuple('a', 'closed')] };
    assert.equal(stateOf(says('a', [], { document: closed })), 'UNAVAILABLE');
  });

  it('names tuples so that each is found', () => {
    const ids = (...named: readonly string[]): readonly string[] =>
      composed(
        says('x', ['busy'], { document: { entity: '', person: null, tuples: named.map((id) => tuple(id)) } }),
      ).tuples.map(({ id }) => id);
    assert.deepEqual(ids('a', 'a', 'a-2', ''), ['a', 'a-3', 'a-2', 'tuple']);
    assert.deepEqual(ids('7', 'a b', 'phone/1'), ['t7', 'a_b', 'phone_1']);
  });
});

const ACTIVITIES = ['available', 'away', 'busy', 'dnd', 'meeting', 'on-the-phone', 'unavailable', 'vacation', 'other'];
const word = fc.stringMatching(/^[A-Za-z0-9 äß]{0,12}$/).map((text) => text.trim());
const anyPublication = fc.record({
  source: fc.stringMatching(/^[a-z]{1,8}$/),
  kind: fc.constantFrom<PublicationKind>('override', 'client', 'sip', 'xmpp', 'phone', 'calendar'),
  priority: fc.integer({ min: -128, max: 127 }),
  publishedAt: fc.integer({ min: 0, max: 3 }),
  document: fc.record({
    entity: fc.constant(`sip:${BOB}`),
    person: fc.option(
      fc.record({
        id: fc.constant('bob'),
        activities: fc.uniqueArray(fc.constantFrom(...ACTIVITIES), { maxLength: 4 }),
        phoneStatus: word,
        imStatus: word,
        userInput: fc.constantFrom('', 'active', 'idle'),
        class: fc.constantFrom('', 'manual'),
        note: word,
        displayName: word,
      }),
    ),
    tuples: fc.array(
      fc.record({ id: word, basic: fc.constantFrom('open' as const, 'closed' as const), note: word }).map((parts) => ({
        ...tuple(parts.id, parts.basic),
        note: parts.note,
      })),
      { maxLength: 3 },
    ),
  }),
});
const anyPublications = fc.uniqueArray(
  anyPublication.map((parts): Publication => ({ presentity: BOB, event: 'presence', sessionId: '', ...parts })),
  { selector: ({ source }) => source, maxLength: 6 },
);

describe('the composition, whatever is said', () => {
  it('is the same in any order', () => {
    fc.assert(
      fc.property(
        anyPublications.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => assert.deepEqual(composePresence(BOB, shuffled), composePresence(BOB, all)),
      ),
    );
  });

  it('stays what it is when it is composed again', () => {
    fc.assert(
      fc.property(anyPublications, (all) => {
        const once = composePresence(BOB, all);
        const again = composePresence(BOB, [says('again', [], { kind: 'sip', document: once })]);
        assert.deepEqual(again, once);
      }),
    );
  });

  it('has a known activity first or nowhere, and tuples of different ids', () => {
    fc.assert(
      fc.property(anyPublications, (all) => {
        const { person, tuples } = composePresence(BOB, all);
        assert.ok(person && person.activities.length > 0);
        assert.equal(new Set(tuples.map(({ id }) => id)).size, tuples.length);
        assert.equal(tuples.length, all.flatMap(({ document }) => document.tuples).length);
      }),
    );
  });

  it('is read back from both forms of the document', () => {
    fc.assert(
      fc.property(anyPublications, (all) => {
        const document = composePresence(BOB, all);
        assert.deepEqual(readPidf(parseXml(writePidf(document))), document);
        const { person, ...rest } = readPidf(parseXml(writeRpid(document)));
        const { person: said, ...others } = document;
        assert.deepEqual(rest, others);
        // `busy` is added to what RPID does not know.
        const isAdded = !said?.activities.includes('busy') && said?.activities.includes('dnd');
        const activities = person?.activities.filter((each) => !(isAdded && each === 'busy'));
        assert.deepEqual({ ...person, activities }, said);
      }),
    );
  });
});
