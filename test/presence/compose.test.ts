import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOBODY, type PidfTuple } from '../../src/pidf/pidf.ts';
import { basicStateOf } from '../../src/presence/basic-state.ts';
import { composePresence } from '../../src/presence/compose.ts';
import type { Publication } from '../../src/presence/publication.ts';

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
const stateOf = (...publications: readonly Publication[]): string => basicStateOf(composePresence(BOB, publications));

describe('the simple composition', () => {
  it('is unavailable when nobody says anything', () => {
    assert.equal(stateOf(), 'UNAVAILABLE');
    assert.deepEqual(composePresence(BOB, []), {
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

  it('lets an override decide, whatever it is, and shows the devices beside it', () => {
    const override = says('pws-override', ['away'], { kind: 'override' });
    const composed = composePresence(BOB, [says('phone', ['on-the-phone']), override, says('xmpp', ['dnd'])]);
    assert.equal(basicStateOf(composed), 'AWAY');
    assert.deepEqual(
      composed.tuples.map(({ id }) => id),
      ['xmpp', 'phone', 'pws-override'],
    );
  });

  it('takes the newest among equals, and its custom text', () => {
    const older = says('a', ['busy']);
    const newer = says('b', ['meeting', 'busy']);
    assert.deepEqual(composePresence(BOB, [newer, older]).person?.activities, ['meeting', 'busy']);
  });

  it('judges a document without a known activity by its devices, and writes that down', () => {
    const open = says('a', ['dancing']);
    assert.equal(stateOf(open), 'AVAILABLE');
    assert.deepEqual(composePresence(BOB, [open]).person?.activities, ['available', 'dancing']);
    const closed = { entity: '', person: null, tuples: [tuple('a', 'closed')] };
    assert.equal(stateOf(says('a', [], { document: closed })), 'UNAVAILABLE');
  });
});
