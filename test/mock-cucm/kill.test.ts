import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { basic, envelope, PASSWORD } from './mock-world.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/imp.js', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  ask(operation: string, inside: string): Promise<{ readonly status: number; readonly body: string }>;
}

async function start(data: string, stack: AsyncDisposableStack): Promise<Running> {
  const child = spawn(
    process.execPath,
    [LAUNCHER, 'mock-cucm', '--port', '0', '--data', data, '--json', '--log-level', 'error'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  stack.defer(() => void child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const endpoints = JSON.parse(line) as { readonly axl: string; readonly ca: string };
  const agent = new Agent({ connect: { ca: await readFile(endpoints.ca, 'utf8') } });
  stack.defer(() => agent.destroy());
  return {
    child,
    async ask(operation, inside) {
      const answer = await request(endpoints.axl, {
        method: 'POST',
        dispatcher: agent,
        headers: { authorization: basic('administrator', PASSWORD), 'content-type': 'text/xml' },
        body: envelope(operation, inside),
      });
      return { status: answer.statusCode, body: await answer.body.text() };
    },
  };
}

const user = (name: string): string =>
  `<user><lastName>K</lastName><userid>${name}</userid><presenceGroupName>Standard Presence group</presenceGroupName></user>`;

describe('imp mock-cucm --data', () => {
  it('keeps every write that it acknowledged, through kill -9 in the middle of writing', async () => {
    await using stack = new AsyncDisposableStack();
    const data = await mkdtemp(join(tmpdir(), 'imp-mock-kill-'));
    stack.defer(() => rm(data, { recursive: true, force: true, maxRetries: 3 }));
    const acknowledged: string[] = [];
    let count = 0;
    for (let round = 0; round < 2; round += 1) {
      const mock = await start(data, stack);
      const write = async (): Promise<void> => {
        for (;;) {
          count += 1;
          const name = `kill${count}`;
          const isSql = count % 10 === 0;
          const { status } = isSql
            ? await mock.ask(
                'executeSQLUpdate',
                `<sql>insert into enduser (userid, lastname) values ('${name}', 'K')</sql>`,
              )
            : await mock.ask('addUser', user(name));
          assert.equal(status, 200);
          acknowledged.push(name);
          if (acknowledged.length === (round + 1) * 60) mock.child.kill('SIGKILL');
        }
      };
      const gone = once(mock.child, 'exit');
      const writers = await Promise.allSettled([write(), write(), write()]);
      assert.ok(writers.every((each) => each.status === 'rejected' && !(each.reason instanceof assert.AssertionError)));
      await gone;
    }
    const mock = await start(data, stack);
    const { body } = await mock.ask('executeSQLQuery', "<sql>select userid from enduser where lastname = 'K'</sql>");
    const kept = new Set([...body.matchAll(/<userid>(\w+)<\/userid>/g)].map((match) => match[1]));
    assert.deepEqual(
      acknowledged.filter((name) => !kept.has(name)),
      [],
    );
    mock.child.kill('SIGTERM');
    const [code] = await once(mock.child, 'exit');
    assert.equal(code, 0);
  });
});
