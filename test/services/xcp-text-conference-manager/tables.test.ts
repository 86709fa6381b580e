import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  judgeAffiliationChange,
  judgeRoleChange,
} from '../../../src/services/xcp-text-conference-manager/room/changes.ts';
import { remember, selectHistory } from '../../../src/services/xcp-text-conference-manager/room/history.ts';
import {
  AFFILIATIONS,
  type Affiliation,
  type AffiliationPrivilege,
  affiliationMay,
  initialRole,
  type PrivilegeRules,
  ROLES,
  type Role,
  type RolePrivilege,
  roleAfter,
  roleMay,
} from '../../../src/services/xcp-text-conference-manager/room/privileges.ts';
import type { PastMessage } from '../../../src/services/xcp-text-conference-manager/room/room-state.ts';
import { message } from '../../../src/xmpp/xmpp.ts';

const RULES: PrivilegeRules = { privateMessages: 'anyone', isSubjectOpen: true, canInvite: true };

/** Columns: none, visitor, participant, moderator. */
const ROLE_TABLE: readonly (readonly [RolePrivilege, string, Partial<PrivilegeRules>?])[] = [
  ['be present', 'no yes yes yes'],
  ['receive', 'no yes yes yes'],
  ['change nickname', 'no yes yes yes'],
  ['send private messages', 'no yes yes yes'],
  ['send private messages', 'no no yes yes', { privateMessages: 'participants' }],
  ['send private messages', 'no no no yes', { privateMessages: 'moderators' }],
  ['send private messages', 'no no no no', { privateMessages: 'none' }],
  ['invite', 'no yes yes yes'],
  ['invite', 'no no no yes', { canInvite: false }],
  ['speak', 'no no yes yes'],
  ['change subject', 'no no yes yes'],
  ['change subject', 'no no no yes', { isSubjectOpen: false }],
  ['kick', 'no no no yes'],
  ['grant voice', 'no no no yes'],
  ['revoke voice', 'no no no yes'],
];

/** Columns: outcast, none, member, admin, owner. */
const AFFILIATION_TABLE: readonly (readonly [AffiliationPrivilege, string])[] = [
  ['enter open room', 'no yes yes yes yes'],
  ['retrieve member list', 'no no yes yes yes'],
  ['enter members-only room', 'no no yes yes yes'],
  ['ban', 'no no no yes yes'],
  ['edit member list', 'no no no yes yes'],
  ['appoint moderators', 'no no no yes yes'],
  ['edit admin list', 'no no no no yes'],
  ['edit owner list', 'no no no no yes'],
  ['configure', 'no no no no yes'],
  ['destroy', 'no no no no yes'],
];

describe('privileges of roles (XEP-0045 5.1.1)', () => {
  for (const [privilege, row, rules] of ROLE_TABLE) {
    it(`${privilege}${rules === undefined ? '' : `, ${JSON.stringify(rules)}`}: ${row}`, () => {
      const found = ROLES.map((role) => (roleMay(role, privilege, { ...RULES, ...rules }) ? 'yes' : 'no'));
      assert.equal(found.join(' '), row);
    });
  }
});

describe('privileges of affiliations (XEP-0045 5.2.1)', () => {
  for (const [privilege, row] of AFFILIATION_TABLE) {
    it(`${privilege}: ${row}`, () => {
      assert.equal(AFFILIATIONS.map((each) => (affiliationMay(each, privilege) ? 'yes' : 'no')).join(' '), row);
    });
  }
});

describe('roles by affiliation (XEP-0045 5.1.2, 5.2.2)', () => {
  const rows: readonly (readonly [Affiliation, Role, Role])[] = [
    ['outcast', 'none', 'none'],
    ['none', 'participant', 'visitor'],
    ['member', 'participant', 'participant'],
    ['admin', 'moderator', 'moderator'],
    ['owner', 'moderator', 'moderator'],
  ];
  for (const [affiliation, open, moderated] of rows) {
    it(`${affiliation} enters as ${open}, where it is moderated as ${moderated}`, () => {
      assert.deepEqual([initialRole(affiliation, false), initialRole(affiliation, true)], [open, moderated]);
    });
  }
  const changes: readonly (readonly [Role, Affiliation, Affiliation, Role, Role])[] = [
    ['participant', 'none', 'admin', 'moderator', 'moderator'],
    ['moderator', 'admin', 'none', 'participant', 'visitor'],
    ['moderator', 'owner', 'member', 'participant', 'participant'],
    ['moderator', 'owner', 'admin', 'moderator', 'moderator'],
    ['visitor', 'none', 'member', 'participant', 'participant'],
    ['participant', 'member', 'none', 'participant', 'participant'],
    ['visitor', 'member', 'none', 'visitor', 'visitor'],
    ['moderator', 'none', 'member', 'moderator', 'moderator'],
    ['participant', 'none', 'outcast', 'none', 'none'],
  ];
  for (const [role, before, after, open, moderated] of changes) {
    it(`a ${role} who was ${before} and is ${after}: ${open}, where it is moderated ${moderated}`, () => {
      const found = [roleAfter(role, before, after, false), roleAfter(role, before, after, true)];
      assert.deepEqual(found, [open, moderated]);
    });
  }
});

describe('changes of roles (XEP-0045 8.2 to 8.5, 9.6, 9.7)', () => {
  // Who asks, about whom, the role to be, the refusal.
  const rows: readonly (readonly [string, string, Role, string])[] = [
    ['none/participant', 'none/participant', 'none', 'forbidden'],
    ['none/visitor', 'none/visitor', 'participant', 'forbidden'],
    ['owner/none', 'none/participant', 'none', 'forbidden'],
    ['none/moderator', 'none/participant', 'none', 'allowed'],
    ['none/moderator', 'none/visitor', 'participant', 'allowed'],
    ['none/moderator', 'none/participant', 'visitor', 'allowed'],
    ['none/moderator', 'member/participant', 'none', 'not-allowed'],
    ['member/moderator', 'member/participant', 'none', 'allowed'],
    ['member/moderator', 'member/moderator', 'none', 'not-allowed'],
    ['member/moderator', 'none/moderator', 'participant', 'forbidden'],
    ['member/moderator', 'none/participant', 'moderator', 'forbidden'],
    ['admin/moderator', 'none/participant', 'moderator', 'allowed'],
    ['admin/moderator', 'none/moderator', 'participant', 'allowed'],
    ['admin/moderator', 'none/moderator', 'none', 'allowed'],
    ['admin/moderator', 'admin/moderator', 'visitor', 'not-allowed'],
    ['admin/moderator', 'admin/moderator', 'none', 'allowed'],
    ['admin/moderator', 'owner/moderator', 'none', 'not-allowed'],
    ['owner/moderator', 'admin/moderator', 'participant', 'not-allowed'],
    ['owner/moderator', 'owner/moderator', 'none', 'allowed'],
  ];
  const standing = (text: string) => {
    const [affiliation, role] = text.split('/') as [Affiliation, Role];
    return { affiliation, role };
  };
  for (const [actor, target, role, expected] of rows) {
    it(`${actor} makes ${target} ${role}: ${expected}`, () => {
      assert.equal(judgeRoleChange(standing(actor), standing(target), role) ?? 'allowed', expected);
    });
  }
});

describe('changes of affiliations (XEP-0045 9.1 to 9.4, 10.3 to 10.8)', () => {
  // The wanted affiliations are the columns: outcast, none, member, admin, owner.
  const rows: readonly (readonly [Affiliation, Affiliation, string])[] = [
    ['none', 'none', 'forbidden forbidden forbidden forbidden forbidden'],
    ['member', 'none', 'forbidden forbidden forbidden forbidden forbidden'],
    ['outcast', 'none', 'forbidden forbidden forbidden forbidden forbidden'],
    ['admin', 'outcast', 'allowed allowed allowed forbidden forbidden'],
    ['admin', 'none', 'allowed allowed allowed forbidden forbidden'],
    ['admin', 'member', 'allowed allowed allowed forbidden forbidden'],
    ['admin', 'admin', 'not-allowed not-allowed not-allowed forbidden forbidden'],
    ['admin', 'owner', 'not-allowed not-allowed not-allowed forbidden forbidden'],
    ['owner', 'outcast', 'allowed allowed allowed allowed allowed'],
    ['owner', 'none', 'allowed allowed allowed allowed allowed'],
    ['owner', 'member', 'allowed allowed allowed allowed allowed'],
    ['owner', 'admin', 'allowed allowed allowed allowed allowed'],
    ['owner', 'owner', 'allowed allowed allowed allowed allowed'],
  ];
  const judge = (actor: Affiliation, target: Affiliation, isSelf: boolean, isLastOwner: boolean): string =>
    AFFILIATIONS.map(
      (wanted) => judgeAffiliationChange(actor, target, wanted, { isSelf, isLastOwner }) ?? 'allowed',
    ).join(' ');
  for (const [actor, target, row] of rows) {
    it(`${actor} about ${target}: ${row}`, () => assert.equal(judge(actor, target, false, false), row));
  }
  it('the last owner stays one', () => {
    assert.equal(judge('owner', 'owner', true, true), 'conflict conflict conflict conflict allowed');
  });
  it('an owner who is not the last may step back, but not ban itself', () => {
    assert.equal(judge('owner', 'owner', true, false), 'conflict allowed allowed allowed allowed');
  });
  it('an admin may step back', () => {
    assert.equal(judge('admin', 'admin', true, false), 'not-allowed allowed allowed forbidden forbidden');
  });
});

describe('history of a room (XEP-0045 7.2.14)', () => {
  const past = (n: number): PastMessage => ({ id: `m${n}`, atMs: n * 1_000, element: message({}), size: 10 });
  const five = [1, 2, 3, 4, 5].map(past);
  const all = { maxStanzas: null, maxCharacters: null, sinceMs: null };
  const rows: readonly (readonly [string, Partial<typeof all> | Record<string, number>, number, string])[] = [
    ['all', {}, 10, '12345'],
    ['the room’s own number', {}, 2, '45'],
    ['maxstanzas', { maxStanzas: 3 }, 10, '345'],
    ['maxstanzas above the room’s own number', { maxStanzas: 9 }, 2, '45'],
    ['maxstanzas of none', { maxStanzas: 0 }, 10, ''],
    ['maxchars', { maxCharacters: 25 }, 10, '45'],
    ['maxchars of none', { maxCharacters: 0 }, 10, ''],
    ['since', { sinceMs: 4_000 }, 10, '45'],
    ['the narrowest of all', { sinceMs: 2_000, maxCharacters: 40, maxStanzas: 1 }, 10, '5'],
  ];
  for (const [name, request, most, expected] of rows) {
    it(`${name}: ${expected || 'nothing'}`, () => {
      const found = selectHistory(five, { ...all, ...request }, most);
      assert.equal(found.map(({ id }) => id.slice(1)).join(''), expected);
    });
  }
  it('forgets the oldest past a number, and past a size', () => {
    const ids = (kept: readonly PastMessage[]) => kept.map(({ id }) => id.slice(1)).join('');
    assert.equal(ids(remember(five, past(6), { historyLength: 3, historySize: 1_000 })), '456');
    assert.equal(ids(remember(five, past(6), { historyLength: 100, historySize: 25 })), '56');
    assert.equal(ids(remember(five, past(6), { historyLength: 0, historySize: 25 })), '');
  });
});
