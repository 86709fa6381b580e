import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AssignableNode, allocate, assignmentMode } from '../../../src/services/sync-agent/allocate.ts';

const node = (id: number, subclusterId: number, users: number, isServing = true): AssignableNode => ({
  id,
  subclusterId,
  users,
  isServing,
});
const quotas = (...of: Parameters<typeof allocate>): Record<number, number> => Object.fromEntries(allocate(...of));

describe('which node a new user gets', () => {
  const cases: readonly [string, readonly AssignableNode[], number, 'balanced' | 'active-standby' | 'none', object][] =
    [
      ['one node gets all', [node(1, 1, 5)], 3, 'balanced', { 1: 3 }],
      ['equal nodes share', [node(1, 1, 0), node(2, 1, 0)], 4, 'balanced', { 1: 2, 2: 2 }],
      ['an odd one goes to the first', [node(1, 1, 0), node(2, 1, 0)], 3, 'balanced', { 1: 2, 2: 1 }],
      ['fewer users are filled up first', [node(1, 1, 10), node(2, 1, 0)], 5, 'balanced', { 2: 5 }],
      [
        'the least-loaded group is chosen before its node',
        [node(1, 1, 5), node(2, 1, 5), node(3, 2, 7)],
        2,
        'balanced',
        { 3: 2 },
      ],
      ['a node that is failed over gets none', [node(1, 1, 0, false), node(2, 1, 9)], 2, 'balanced', { 2: 2 }],
      ['a group without a serving node gets none', [node(1, 1, 0, false), node(2, 2, 9)], 2, 'balanced', { 2: 2 }],
      ['nobody serves', [node(1, 1, 0, false)], 2, 'balanced', {}],
      ['active-standby: the first of the group', [node(2, 1, 0), node(1, 1, 50)], 4, 'active-standby', { 1: 4 }],
      ['none', [node(1, 1, 0)], 4, 'none', {}],
      ['nobody to place', [node(1, 1, 0)], 0, 'balanced', {}],
    ];
  for (const [title, nodes, count, mode, wanted] of cases) {
    it(title, () => assert.deepEqual(quotas(nodes, count, mode), wanted));
  }

  it('reads the parameter of CUCM', () => {
    assert.equal(assignmentMode('Balanced'), 'balanced');
    assert.equal(assignmentMode('Active-Standby'), 'active-standby');
    assert.equal(assignmentMode('Active Standby'), 'active-standby');
    assert.equal(assignmentMode('None'), 'none');
    assert.equal(assignmentMode(undefined), 'balanced');
  });
});
