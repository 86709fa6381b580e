import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runImp, temporaryFolder } from '../support/imp-process.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/imp.js', import.meta.url));

describe('imp mock-cucm', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`says how many users it has generated, and ends on ${signal} while it generates`, async () => {
      await using folder = await temporaryFolder();
      const endpoints = join(folder.path, 'endpoints.json');
      const flags = ['--port', '0', '--users', '1000000', '--data', folder.path, '--endpoints', endpoints];
      const child = spawn(process.execPath, [LAUNCHER, 'mock-cucm', ...flags, '--log-level', 'info'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await using stack = new AsyncDisposableStack();
      stack.defer(() => void child.kill('SIGKILL'));
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        out += chunk;
      });
      const ended = once(child, 'exit');
      let log = '';
      for await (const chunk of child.stderr.setEncoding('utf8')) {
        log += chunk as string;
        if (log.includes('generating users')) break;
      }
      assert.match(log, /"users":20000,"total":1000000/);
      child.kill(signal);
      assert.deepEqual(await ended, [0, null]);
      assert.doesNotMatch(out, /ready/);
      assert.equal(existsSync(endpoints), false);
    });
  }

  it('refuses a fault that it does not know, and names those that there are', async () => {
    const unknown = await runImp(['mock-cucm', '--port', '0', '--fault', 'earthquake=1']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.err, /there is no fault earthquake: there are latency, .*password-change/);
    const wrong = await runImp(['mock-cucm', '--port', '0', '--fault', 'latency=soon']);
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /soon is no value of latency/);
  });
});
