import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Delivery,
  type DeliveryFacts,
  decideDelivery,
} from '../../../src/services/xcp-router/routing/routing-table.ts';

type Row = readonly [
  stanza: string,
  /** Full address, the resource is there. */
  there: Delivery['do'],
  /** Full address, it is not: with somebody available, and with nobody. */
  gone: readonly [Delivery['do'], Delivery['do']],
  /** Bare address. */
  bare: readonly [Delivery['do'], Delivery['do']],
];

/** docs/services/xcp-router.md, routing table. */
const TABLE: readonly Row[] = [
  ['message chat', 'resource', ['conversation', 'store'], ['conversation', 'store']],
  ['message normal', 'resource', ['refuse', 'store'], ['conversation', 'store']],
  ['message headline', 'resource', ['ignore', 'ignore'], ['non-negative', 'ignore']],
  ['message groupchat', 'resource', ['refuse', 'refuse'], ['refuse', 'refuse']],
  ['message error', 'resource', ['ignore', 'ignore'], ['ignore', 'ignore']],
  ['presence available', 'resource', ['ignore', 'ignore'], ['available', 'ignore']],
  ['presence unavailable', 'resource', ['ignore', 'ignore'], ['available', 'ignore']],
  ['presence error', 'resource', ['ignore', 'ignore'], ['available', 'ignore']],
  ['presence subscribe', 'account', ['account', 'account'], ['account', 'account']],
  ['presence subscribed', 'account', ['account', 'account'], ['account', 'account']],
  ['presence unsubscribe', 'account', ['account', 'account'], ['account', 'account']],
  ['presence unsubscribed', 'account', ['account', 'account'], ['account', 'account']],
  ['presence probe', 'account', ['account', 'account'], ['account', 'account']],
  ['iq get', 'resource', ['refuse', 'refuse'], ['account', 'account']],
  ['iq set', 'resource', ['refuse', 'refuse'], ['account', 'account']],
  ['iq result', 'resource', ['ignore', 'ignore'], ['ignore', 'ignore']],
  ['iq error', 'resource', ['ignore', 'ignore'], ['ignore', 'ignore']],
];

const ALONE = { hasAvailable: false, hasAnyAvailable: false };
const COMPANY = { hasAvailable: true, hasAnyAvailable: true };

describe('the routing table (RFC 6121 8.5)', () => {
  for (const [name, there, gone, bare] of TABLE) {
    const [kind, type] = name.split(' ');
    const stanza = { kind, type } as DeliveryFacts['stanza'];
    it(name, () => {
      const decide = (facts: Omit<DeliveryFacts, 'stanza'>) => decideDelivery({ stanza, ...facts }).do;
      assert.equal(decide({ isFull: true, isConnected: true, ...COMPANY }), there, 'full, there');
      assert.equal(decide({ isFull: true, isConnected: true, ...ALONE }), there, 'full, there but not available');
      assert.equal(decide({ isFull: true, isConnected: false, ...COMPANY }), gone[0], 'full, gone, others available');
      assert.equal(decide({ isFull: true, isConnected: false, ...ALONE }), gone[1], 'full, gone, nobody available');
      assert.equal(decide({ isFull: false, isConnected: false, ...COMPANY }), bare[0], 'bare, available');
      assert.equal(decide({ isFull: false, isConnected: false, ...ALONE }), bare[1], 'bare, nobody');
    });
  }

  it('gives presence to resources of negative priority too, and messages not', () => {
    const facts = { isFull: false, isConnected: false, hasAvailable: false, hasAnyAvailable: true };
    assert.equal(decideDelivery({ stanza: { kind: 'presence', type: 'available' }, ...facts }).do, 'available');
    assert.equal(decideDelivery({ stanza: { kind: 'message', type: 'chat' }, ...facts }).do, 'store');
  });
});
