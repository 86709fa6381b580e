import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeWatcher, type WatcherPolicy, type WatcherRule } from '../../src/presence/watcher-permission.ts';

const POLICY: WatcherPolicy = {
  presentity: 'bob@acme.example',
  acl: [],
  rules: [],
  privacy: { allowContacts: true, internal: 'allow', external: 'ask' },
  isContact: () => false,
  administrator: { availabilitySharing: true, authorizeWithoutPrompt: true },
};
const NO_SHARING = { availabilitySharing: false, authorizeWithoutPrompt: true };
const PROMPT = { availabilitySharing: true, authorizeWithoutPrompt: false };
const ALICE = { address: 'alice@acme.example', isInternal: true };
const EVE = { address: 'eve@other.example', isInternal: false };

const acl = (watcher: string, type: 'user' | 'domain', policy: 'allow' | 'deny'): WatcherPolicy['acl'] => [
  { watcher, type, policy },
];
const rule = (
  type: WatcherRule['watchers'][number]['type'],
  policy: WatcherRule['policy'],
  value = '',
  isEnabled = true,
): WatcherRule => ({ isEnabled, watchers: [{ type, value }], policy });
const privacy = (parts: Partial<WatcherPolicy['privacy']>): WatcherPolicy['privacy'] => ({
  ...POLICY.privacy,
  ...parts,
});

describe('who may see a user', () => {
  const rows: readonly (readonly [string, typeof ALICE, Partial<WatcherPolicy>, string, string])[] = [
    [
      'the user, always',
      { address: POLICY.presentity, isInternal: true },
      { acl: acl('bob@acme.example', 'user', 'deny') },
      'allow',
      'self',
    ],
    ['internal by default', ALICE, {}, 'allow', 'privacy'],
    ['nobody while sharing is off', ALICE, { administrator: NO_SHARING }, 'block', 'sharing'],
    [
      '… not even who stands on the list',
      ALICE,
      { administrator: NO_SHARING, acl: acl(ALICE.address, 'user', 'allow') },
      'block',
      'sharing',
    ],
    [
      '… but the user',
      { address: POLICY.presentity, isInternal: true },
      { administrator: NO_SHARING },
      'allow',
      'self',
    ],
    [
      '… and who is blocked is blocked',
      ALICE,
      { administrator: NO_SHARING, acl: acl(ALICE.address, 'user', 'deny') },
      'block',
      'acl-user',
    ],
    ['internal is asked for while nobody may see unasked', ALICE, { administrator: PROMPT }, 'ask', 'privacy'],
    ['… but not a contact', ALICE, { administrator: PROMPT, isContact: () => true }, 'allow', 'contact'],
    [
      '… nor who stands on the list',
      ALICE,
      { administrator: PROMPT, acl: acl('acme.example', 'domain', 'allow') },
      'allow',
      'acl-domain',
    ],
    [
      '… and external is as it was',
      EVE,
      { administrator: PROMPT, privacy: privacy({ external: 'allow' }) },
      'allow',
      'privacy',
    ],
    ['external is asked for by default', EVE, {}, 'ask', 'privacy'],
    ['internal denied', ALICE, { privacy: privacy({ internal: 'deny' }) }, 'block', 'privacy'],
    ['internal asked for', ALICE, { privacy: privacy({ internal: 'ask' }) }, 'ask', 'privacy'],
    ['external allowed', EVE, { privacy: privacy({ external: 'allow' }) }, 'allow', 'privacy'],
    ['a contact against privacy', EVE, { isContact: (watcher) => watcher === EVE.address }, 'allow', 'contact'],
    [
      'a contact where contacts count for nothing',
      EVE,
      { isContact: () => true, privacy: privacy({ allowContacts: false }) },
      'ask',
      'privacy',
    ],
    ['a denied user', ALICE, { acl: acl(ALICE.address, 'user', 'deny') }, 'block', 'acl-user'],
    ['an allowed user', EVE, { acl: acl(EVE.address, 'user', 'allow') }, 'allow', 'acl-user'],
    ['a denied domain', EVE, { acl: acl('other.example', 'domain', 'deny') }, 'block', 'acl-domain'],
    [
      'an allowed user of a denied domain',
      EVE,
      { acl: [...acl('other.example', 'domain', 'deny'), ...acl(EVE.address, 'user', 'allow')] },
      'allow',
      'acl-user',
    ],
    ['a domain entry is for that domain alone', EVE, { acl: acl('example', 'domain', 'allow') }, 'ask', 'privacy'],
    ['a user entry is for that user alone', ALICE, { acl: acl('al@acme.example', 'user', 'deny') }, 'allow', 'privacy'],
    [
      'the list before the rules',
      ALICE,
      { acl: acl(ALICE.address, 'user', 'allow'), rules: [rule('any', 'block')] },
      'allow',
      'acl-user',
    ],
    [
      'the rules before the contacts',
      ALICE,
      { isContact: () => true, rules: [rule('any', 'polite-block')] },
      'polite-block',
      'rule',
    ],
    [
      'the first rule that matches',
      ALICE,
      { rules: [rule('external', 'block'), rule('user', 'ask', ALICE.address), rule('any', 'allow')] },
      'ask',
      'rule',
    ],
    ['a disabled rule is none', ALICE, { rules: [rule('any', 'block', '', false)] }, 'allow', 'privacy'],
    ['a rule for a domain', EVE, { rules: [rule('domain', 'allow', 'other.example')] }, 'allow', 'rule'],
    ['a rule for internal watchers', ALICE, { rules: [rule('internal', 'block')] }, 'block', 'rule'],
    ['… is none for external ones', EVE, { rules: [rule('internal', 'block')] }, 'ask', 'privacy'],
    ['a rule for external watchers', EVE, { rules: [rule('external', 'allow')] }, 'allow', 'rule'],
    [
      'a rule with several watchers',
      EVE,
      {
        rules: [
          {
            isEnabled: true,
            policy: 'block',
            watchers: [
              { type: 'internal', value: '' },
              { type: 'user', value: EVE.address },
            ],
          },
        ],
      },
      'block',
      'rule',
    ],
  ];
  for (const [name, watcher, parts, decision, reason] of rows) {
    it(name, () => assert.deepEqual(judgeWatcher({ ...POLICY, ...parts }, watcher), { decision, reason }));
  }
});
