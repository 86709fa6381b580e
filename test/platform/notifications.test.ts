import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '../../src/platform/log.ts';
import { createNotifications } from '../../src/platform/notifications.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('notifications', () => {
  const make = () => createNotifications(new FakeClock(), createLog({ level: 'silent' }));
  const cause = (name: string, text = 'restart it') =>
    ({ service: 'sip-proxy', cause: name, severity: 'medium', text }) as const;

  it('raises the same cause once, with the latest words', () => {
    const notifications = make();
    notifications.raise(cause('restart:listeners', 'first'));
    notifications.raise(cause('restart:listeners', 'second'));
    notifications.raise(cause('restart:acl'));
    assert.deepEqual(
      notifications.active().map(({ id, text }) => [id, text]),
      [
        [1, 'second'],
        [2, 'restart it'],
      ],
    );
  });

  it('clears one cause, or a family of them, of one service', () => {
    const notifications = make();
    notifications.raise(cause('restart:listeners'));
    notifications.raise(cause('restart:acl'));
    notifications.raise({ ...cause('restart:acl'), service: 'presence-engine' });
    assert.equal(notifications.clear('sip-proxy', 'restart:acl', 'reverted'), 1);
    assert.equal(notifications.clear('sip-proxy', 'restart:*', 'restart'), 1);
    assert.equal(notifications.clear('sip-proxy', 'restart:*', 'restart'), 0);
    assert.equal(notifications.active().length, 1);
    assert.deepEqual(
      notifications.history().map(({ clearedBy }) => clearedBy),
      ['restart', 'reverted'],
    );
  });
});
