import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  rosterAttributes,
  SUBSCRIPTION_STATES,
  type SubscriptionEvent,
  type SubscriptionState,
  seesUser,
  stanzasOfRemoval,
  subscriptionStep,
} from '../../src/xmpp/roster-subscription.ts';
import { linesOf } from './lines.ts';

describe('RFC 6121 appendix A, row by row', () => {
  for (const [event = '', before = '', after = '', effects = ''] of linesOf('roster-subscription.txt')) {
    it(`${event} in ${before}: ${after} ${effects}`, () => {
      const approved = before.endsWith(' approved');
      const state = before.replace(' approved', '') as SubscriptionState;
      const step = subscriptionStep({ state, isApproved: approved }, event as SubscriptionEvent);
      const found = step.subscription.state + (step.subscription.isApproved ? ' approved' : '');
      assert.deepEqual([found, step.effects.join(' ')], [after, effects]);
    });
  }

  it('has a row for each event in each state', () => {
    const events = new Set(linesOf('roster-subscription.txt').map(([event, before]) => `${event} ${before}`));
    for (const stanza of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed']) {
      for (const way of ['out', 'in']) {
        for (const state of SUBSCRIPTION_STATES)
          assert.ok(events.has(`${way}:${stanza} ${state}`), `${way}:${stanza} ${state}`);
      }
    }
  });
});

describe('subscriptions', () => {
  it('of two that talk to each other agree, when nothing is lost', () => {
    const said = fc.tuple(
      fc.boolean(),
      fc.constantFrom('subscribe', 'subscribed', 'unsubscribe', 'unsubscribed' as const),
    );
    fc.assert(
      fc.property(fc.array(said, { maxLength: 20 }), (script) => {
        const sides = [
          { state: 'none' as SubscriptionState, isApproved: false },
          { state: 'none' as SubscriptionState, isApproved: false },
        ];
        const arrive = (at: number, stanza: string): void => {
          const step = subscriptionStep(sides[at] as (typeof sides)[0], `in:${stanza}` as SubscriptionEvent);
          sides[at] = step.subscription;
          if (step.effects.includes('answer-subscribed')) arrive(1 - at, 'subscribed');
        };
        for (const [isFirst, stanza] of script) {
          const at = isFirst ? 0 : 1;
          const step = subscriptionStep(sides[at] as (typeof sides)[0], `out:${stanza}` as SubscriptionEvent);
          sides[at] = step.subscription;
          if (step.effects.includes('route')) arrive(1 - at, stanza);
        }
        const [a, b] = sides.map(({ state }) => state) as [SubscriptionState, SubscriptionState];
        assert.equal(
          seesUser(a),
          rosterAttributes({ state: b, isApproved: false }).subscription.match(/to|both/) !== null,
        );
        assert.equal(a.includes('+in'), b.includes('+out'));
      }),
    );
  });

  const removals: readonly (readonly [SubscriptionState, string])[] = [
    ['none', ''],
    ['none+out', 'unsubscribe'],
    ['none+in', 'unsubscribed'],
    ['none+out+in', 'unsubscribe unsubscribed'],
    ['to', 'unsubscribe'],
    ['to+in', 'unsubscribe unsubscribed'],
    ['from', 'unsubscribed'],
    ['from+out', 'unsubscribe unsubscribed'],
    ['both', 'unsubscribe unsubscribed'],
  ];
  for (const [state, expected] of removals) {
    it(`removed in ${state} send ${expected || 'nothing'}`, () =>
      assert.equal(stanzasOfRemoval(state).join(' '), expected));
  }
});
