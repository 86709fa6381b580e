import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { applyRegister, type RegisterRequest } from '../../../src/services/sip-proxy/registrar/binding-rules.ts';
import type { SipBinding } from '../../../src/services/sip-registration-datastore/sip-registration-datastore.ts';
import { SipError } from '../../../src/sip/errors.ts';
import { NameAddr } from '../../../src/sip/values/name-addr.ts';

const LIMITS = { minSeconds: 60, maxSeconds: 3_600, defaultSeconds: 3_600, contactsPerUser: 4 };
const HOSTS = ['a.example', 'b.example', 'c.example', 'd.example', 'e.example', 'f.example'];

interface Asked {
  readonly call: number;
  readonly cseq: number;
  readonly star: boolean;
  readonly expires: number | undefined;
  readonly contacts: readonly { readonly host: string; readonly expires: number | undefined }[];
  readonly pauseSeconds: number;
}

const seconds = fc.option(fc.constantFrom(0, 10, 60, 120, 3_600, 7_200), { nil: undefined });
const asked: fc.Arbitrary<Asked> = fc.record({
  call: fc.integer({ min: 1, max: 2 }),
  cseq: fc.integer({ min: 1, max: 12 }),
  star: fc.nat(9).map((die) => die === 0),
  expires: seconds,
  contacts: fc.uniqueArray(fc.record({ host: fc.constantFrom(...HOSTS), expires: seconds }), {
    maxLength: 3,
    selector: ({ host }) => host,
  }),
  pauseSeconds: fc.constantFrom(0, 1, 61, 2_000),
});

function requestOf({ call, cseq, star, expires, contacts }: Asked): RegisterRequest {
  return {
    ...{ address: 'alice@acme.example', callId: `call-${call}`, cseq, expires, isOutbound: false, path: [] },
    ...{ flow: null, isBehindFlow: false, node: 'imp1', userAgent: '' },
    contacts: star
      ? ['*']
      : contacts.map(
          ({ host, expires: own }) =>
            new NameAddr(`sip:alice@${host}`, new Map(own === undefined ? [] : [['expires', String(own)]])),
        ),
  };
}

/** What RFC 3261 10.3 wants, written as plainly as it can be: the new state, or the status of the refusal. */
type State = ReadonlyMap<string, { readonly call: number; readonly cseq: number; readonly until: number }>;

function model(state: State, ask: Asked, now: number): State | number {
  const isOld = (host: string): boolean => {
    const known = state.get(host);
    return known !== undefined && known.call === ask.call && ask.cseq <= known.cseq;
  };
  if (ask.star) {
    if (ask.expires !== 0 || [...state.keys()].some(isOld)) return 400;
    return new Map();
  }
  const next = new Map(state);
  let added = false;
  for (const { host, expires } of ask.contacts) {
    if (isOld(host)) return 400;
    const wanted = expires ?? ask.expires ?? LIMITS.defaultSeconds;
    if (wanted > 0 && wanted < LIMITS.minSeconds) return 423;
    if (wanted === 0) next.delete(host);
    else {
      added = true;
      next.set(host, { call: ask.call, cseq: ask.cseq, until: now + Math.min(wanted, LIMITS.maxSeconds) * 1_000 });
    }
  }
  return added && next.size > LIMITS.contactsPerUser && next.size > state.size ? 403 : next;
}

describe('the rules of bindings', () => {
  it('are those of RFC 3261 10.3, for any sequence of requests', () => {
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 25 }), (requests) => {
        let now = 1_000_000;
        let state: State = new Map();
        let rows: readonly SipBinding[] = [];
        for (const ask of requests) {
          now += ask.pauseSeconds * 1_000;
          state = new Map([...state].filter(([, { until }]) => until > now));
          rows = rows.filter(({ expiresAt }) => expiresAt > now);
          const expected = model(state, ask, now);
          const before = rows;
          try {
            const outcome = applyRegister(requestOf(ask), rows, now, LIMITS);
            const removed = new Set(outcome.remove.map(({ contact }) => contact));
            const put = new Set(outcome.put.map(({ contact }) => contact));
            rows = [...rows.filter(({ contact }) => !removed.has(contact) && !put.has(contact)), ...outcome.put];
            const plain = (bindings: readonly SipBinding[]): string[] =>
              bindings.map(({ contact, expiresAt }) => `${contact} ${expiresAt}`).sort();
            assert.deepEqual(plain(rows), plain(outcome.bindings), 'what is told is what is stored');
            assert.ok(typeof expected !== 'number', `${expected} expected`);
            state = expected;
            assert.deepEqual(plain(rows), [...state].map(([host, { until }]) => `sip:alice@${host} ${until}`).sort());
          } catch (error) {
            if (!(error instanceof SipError)) throw error;
            assert.equal(error.answer?.status, expected);
            assert.equal(rows, before);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('know a contact by what its URI means, not by how it is written', () => {
    const register = (cseq: number, contact: string, present: readonly SipBinding[]) =>
      applyRegister(
        {
          ...requestOf({ call: 1, cseq, star: false, expires: 60, contacts: [], pauseSeconds: 0 }),
          contacts: [new NameAddr(contact)],
        },
        present,
        0,
        LIMITS,
      );
    const first = register(1, 'sip:%61lice@a.example;transport=TCP', []);
    const second = register(2, 'sip:alice@A.EXAMPLE;transport=tcp', first.bindings);
    assert.equal(second.bindings.length, 1);
    assert.deepEqual(
      second.remove.map(({ contact }) => contact),
      ['sip:%61lice@a.example;transport=TCP'],
    );
    assert.equal(register(3, 'sip:alice@a.example', second.bindings).bindings.length, 2, 'transport decides');
  });
});
