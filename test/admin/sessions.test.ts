import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSessions, type Sessions } from '../../src/admin/access/sessions.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LIMITS = { idleMs: 1_000, wholeMs: 5_000, sessions: 4, sessionsPerName: 2 };

function make(): {
  clock: FakeClock;
  sessions: Sessions;
  open: (name: string) => string;
  isIn: (id: string) => Promise<boolean>;
} {
  const clock = new FakeClock();
  const sessions = createSessions(clock, { find: async (name) => ({ name, role: 'read' }) }, LIMITS);
  return {
    clock,
    sessions,
    open: (name) => sessions.open({ name, proof: 'password' }).id,
    isIn: async (id) => (await sessions.find(id, '', true)) !== undefined,
  };
}

describe('sessions of the console', () => {
  it('end after their whole time, however busy', async () => {
    const { clock, open, isIn } = make();
    const id = open('a');
    for (let at = 0; at < 5_000; at += 500) {
      assert.equal(await isIn(id), true);
      await clock.advance(500);
    }
    assert.equal(await isIn(id), false);
  });

  it('end when nobody uses them; looking alone is no use', async () => {
    const { clock, sessions, open, isIn } = make();
    const id = open('a');
    await clock.advance(900);
    assert.ok(await sessions.find(id, '', false));
    await clock.advance(100);
    assert.equal(await isIn(id), false);
  });

  it('are bounded for a name and in all; the oldest go', async () => {
    const { open, isIn } = make();
    const ids = [open('a'), open('a'), open('a'), open('b'), open('c')];
    assert.deepEqual(await Promise.all(ids.map(isIn)), [false, true, true, true, true]);
    const more = open('d');
    assert.deepEqual(await Promise.all([...ids, more].map(isIn)), [false, false, true, true, true, true]);
  });

  it('have a right that is asked anew each time, but for the holder of the token', async () => {
    const clock = new FakeClock();
    let role: 'read' | 'operate' | undefined = 'read';
    const sessions = createSessions(clock, { find: async (name) => (role ? { name, role } : undefined) }, LIMITS);
    const { id, session } = sessions.open({ name: 'a', proof: 'password' });
    assert.equal((await sessions.find(id, '192.0.2.1', true))?.caller.role, 'read');
    role = 'operate';
    assert.deepEqual((await sessions.find(id, '192.0.2.1', true))?.caller, {
      name: 'a',
      role: 'operate',
      proof: 'session',
      face: 'console',
      address: '192.0.2.1',
    });
    assert.ok(sessions.isCsrfToken(session, session.csrfToken) && !sessions.isCsrfToken(session, id));
    role = undefined;
    assert.equal(await sessions.find(id, '', true), undefined);
    assert.ok(await sessions.find(sessions.open({ name: 't', proof: 'token' }).id, '', true));
  });
});
