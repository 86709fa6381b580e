import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { createReplyEncoder } from '../../src/mock-cucm/http/reply-encoder.ts';
import { createReplyMemory } from '../../src/mock-cucm/http/reply-memory.ts';
import { createReplyBuilder } from '../../src/mock-cucm/message/reply-builder.ts';
import { startMock } from './mock-world.ts';

describe('limits of replies', () => {
  it('a list that is too large tells how many rows there are and how many fit, and just so many do', async () => {
    await using world = await startMock({ users: 30_000 });
    const ask = (page: string) =>
      world.ask(
        'listUser',
        `<searchCriteria><userid>%</userid></searchCriteria><returnedTags><firstName/><lastName/><userid/><mailid/><department/><directoryUri/><title/><telephoneNumber/><manager/></returnedTags>${page}`,
      );
    const fault = await world.fault(
      'listUser',
      '<searchCriteria><userid>%</userid></searchCriteria><returnedTags><firstName/><lastName/><userid/><mailid/><department/><directoryUri/><title/><telephoneNumber/><manager/></returnedTags>',
    );
    const found =
      /^Query request too large\. Total rows matched: (\d+) rows\. Suggestive Row Fetch: less than (\d+) rows$/.exec(
        fault.message,
      );
    assert.ok(found, fault.message);
    assert.deepEqual([fault.code, found[1]], [-1, '30020']);
    const page = await ask(`<skip>0</skip><first>${Number(found[2]) - 1}</first>`);
    assert.equal(page.status, 200);
    assert.ok(Buffer.byteLength(page.body) <= 8 * 1024 * 1024);
    assert.equal((await ask(`<skip>0</skip><first>${Number(found[2]) + 1}</first>`)).status, 500);
  });

  it('are bytes, not characters', () => {
    const reply = createReplyBuilder(10);
    assert.ok(reply.add('äöü'));
    assert.ok(reply.add('abcd'));
    assert.equal(reply.add('x'), false);
    assert.equal(reply.returned(), '<return>äöüabcd</return>');
  });

  it('all replies in progress together have a limit; one alone always passes', () => {
    const memory = createReplyMemory(100);
    const [one, two, three] = [1, 2, 3].map(() => new EventEmitter() as unknown as ServerResponse);
    assert.ok(one && two && three);
    memory.claim(one, 150);
    assert.throws(() => memory.claim(two, 1), { axlCode: -1 });
    one.emit('close');
    memory.claim(two, 60);
    assert.throws(() => memory.claim(three, 60), /Maximum AXL Memory Allocation Consumed/);
    memory.claim(three, 40);
  });

  it('rows are written into blocks that are used again', () => {
    const encoder = createReplyEncoder();
    const rows = Array.from({ length: 3_000 }, (_, index) => `<row>${'Łódź 😀 '.repeat(index % 50)}${index}</row>`);
    rows.push('ü'.repeat(300_000));
    for (let round = 0; round < 3; round += 1) {
      const reply = encoder.encode(rows);
      const expected = Buffer.from(rows.join(''), 'utf8');
      assert.equal(reply.bytes, expected.length);
      assert.ok(Buffer.concat(reply.pieces).equals(expected));
      reply.release();
    }
  });
});
