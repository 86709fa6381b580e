import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseXml } from '../../src/xml/parse.ts';
import { serialise } from '../../src/xml/serialise.ts';
import { StreamError, writeStreamError } from '../../src/xmpp/stream-error.ts';
import {
  createStreamManagement,
  readStreamManagement,
  smAnswer,
  smEnabled,
  smFailed,
  smResumed,
} from '../../src/xmpp/stream-management.ts';

const options = { requestEvery: 5, maxUnacknowledged: 100 };
const WRAP = 2 ** 32;

describe('XEP-0198 counters', () => {
  it('ask for an acknowledgement after every fifth stanza, and say when too many wait', () => {
    const sm = createStreamManagement<number>({ requestEvery: 5, maxUnacknowledged: 7 });
    const results = Array.from({ length: 8 }, (_, index) => sm.sent(index));
    assert.deepEqual(results, ['sent', 'sent', 'sent', 'sent', 'ask', 'sent', 'sent', 'full']);
    assert.equal(sm.unacknowledged.length, 8);
  });

  it('give back what an acknowledgement covers, once', () => {
    const sm = createStreamManagement<string>(options);
    for (const each of ['a', 'b', 'c']) sm.sent(each);
    assert.deepEqual(sm.acknowledged(2), ['a', 'b']);
    assert.deepEqual(sm.acknowledged(2), []);
    assert.deepEqual(sm.unacknowledged, ['c']);
  });

  it('refuse an acknowledgement of what was not sent', () => {
    const sm = createStreamManagement<string>(options);
    sm.sent('a');
    assert.throws(
      () => sm.acknowledged(2),
      (error) => {
        assert.ok(error instanceof StreamError);
        assert.match(
          serialise(writeStreamError(error)),
          /<handled-count-too-high xmlns="urn:xmpp:sm:3" h="2" send-count="1"\/>/,
        );
        return true;
      },
    );
    assert.deepEqual(sm.unacknowledged, ['a']);
  });

  it('refuse one that goes back', () => {
    const sm = createStreamManagement<string>(options);
    sm.sent('a');
    sm.sent('b');
    sm.acknowledged(2);
    assert.throws(() => sm.acknowledged(1), { code: 'xmpp.stream.undefined-condition' });
  });

  it('wrap at 2^32', () => {
    const sm = createStreamManagement<number>(options, { handled: WRAP - 1, sent: WRAP - 2 });
    sm.received();
    assert.equal(sm.handled, 0);
    for (const each of [1, 2, 3, 4]) sm.sent(each);
    assert.equal(sm.sentCount, 2);
    assert.deepEqual(sm.acknowledged(WRAP - 1), [1]);
    assert.deepEqual(sm.acknowledged(1), [2, 3]);
    assert.throws(() => sm.acknowledged(3), { code: 'xmpp.stream.undefined-condition' });
    assert.deepEqual(sm.acknowledged(2), [4]);
  });

  it('lose and repeat nothing, whatever is sent and acknowledged', () => {
    const step = fc.oneof(fc.constant('send' as const), fc.nat({ max: 10 }));
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: WRAP - 20, max: WRAP - 1 }), (steps, sent) => {
        const sm = createStreamManagement<number>({ requestEvery: 3, maxUnacknowledged: 1000 }, { sent });
        const done: number[] = [];
        let next = 0;
        let acknowledged = sent;
        for (const each of steps) {
          if (each === 'send') sm.sent(next++);
          else {
            const count = Math.min(each, sm.unacknowledged.length);
            acknowledged = (acknowledged + count) % WRAP;
            done.push(...sm.acknowledged(acknowledged));
          }
        }
        assert.deepEqual(
          [...done, ...sm.unacknowledged],
          Array.from({ length: next }, (_, index) => index),
        );
      }),
    );
  });
});

describe('XEP-0198 elements', () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ['<r/>', { kind: 'request' }],
    ['<a h="4294967295"/>', { kind: 'answer', handled: 4294967295 }],
    ['<enable/>', { kind: 'enable', wantsResume: false, maxSeconds: null }],
    ['<enable resume="1" max="60"/>', { kind: 'enable', wantsResume: true, maxSeconds: 60 }],
    ['<enabled id="x" resume="true"/>', { kind: 'enabled', id: 'x', maxSeconds: null }],
    ['<resume previd="x" h="3"/>', { kind: 'resume', id: 'x', handled: 3 }],
    ['<failed/>', { kind: 'failed', handled: null }],
    ['<unknown/>', undefined],
  ];
  for (const [text, expected] of rows) {
    it(text, () =>
      assert.deepEqual(readStreamManagement(parseXml(text.replace(/[ /]/, " xmlns='urn:xmpp:sm:3'$&"))), expected),
    );
  }
  for (const text of [
    '<a/>',
    '<a h=""/>',
    '<a h="-1"/>',
    '<a h="1.5"/>',
    '<a h="4294967296"/>',
    '<resume h="1"/>',
    '<resume previd="x"/>',
  ]) {
    it(`refuses ${text}`, () =>
      assert.throws(() => readStreamManagement(parseXml(text.replace(/[ /]/, " xmlns='urn:xmpp:sm:3'$&"))), {
        code: 'xmpp.stream.invalid-xml',
      }));
  }
  it('are written as they are read', () => {
    assert.deepEqual(readStreamManagement(smAnswer(7)), { kind: 'answer', handled: 7 });
    assert.deepEqual(readStreamManagement(smEnabled('x', 60)), { kind: 'enabled', id: 'x', maxSeconds: 60 });
    assert.deepEqual(readStreamManagement(smResumed('x', 1)), { kind: 'resumed', id: 'x', handled: 1 });
    assert.deepEqual(readStreamManagement(smFailed('item-not-found', 5)), { kind: 'failed', handled: 5 });
  });
});
