import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNetworks, plainAddress } from '../../src/platform/networks.ts';

describe('networks', () => {
  it('hold addresses and networks of both families, and IPv4 written as IPv6', () => {
    const networks = createNetworks(['127.0.0.0/8', '::1', '10.2.0.1', '2001:db8::/32']);
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '10.2.0.1', '::ffff:10.2.0.1', '2001:db8::7']) {
      assert.ok(networks.has(address), address);
    }
    for (const address of ['10.2.0.2', '::2', '2001:db9::', '128.0.0.1', '', 'localhost']) {
      assert.ok(!networks.has(address), address);
    }
    assert.ok(!createNetworks([]).has('127.0.0.1'));
  });

  it('know one client by one address', () => {
    assert.deepEqual(['::ffff:10.2.0.1', '10.2.0.1', '::1'].map(plainAddress), ['10.2.0.1', '10.2.0.1', '::1']);
  });
});
