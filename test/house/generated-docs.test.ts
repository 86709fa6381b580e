import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { configSample } from '../../src/node/config-sample.ts';
import { ConfigError, parseNodeFile } from '../../src/node/node-config.ts';

it('the generated pages of docs/ say what the code says', () => {
  const run = spawnSync(process.execPath, ['scripts/write-docs.ts', '--check'], { encoding: 'utf8' });
  assert.equal(run.stderr, '');
  assert.equal(run.status, 0);
});

it('the sample file is valid and says what an empty file means', () => {
  assert.deepEqual(parseNodeFile(configSample(), 'sample'), parseNodeFile('', 'empty'));
});

it('errors name the file, the line and the key, all at once', () => {
  const file = 'node: imp1\nlisteners:\n  htps: 1\n  https: 70000\nlog:\n  level: loud\n';
  assert.throws(
    () => parseNodeFile(file, 'imp.yaml'),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      const lines = error.message.split('\n');
      assert.equal(lines.length, 3);
      assert.ok(lines.includes('imp.yaml:3: listeners.htps: unknown key'));
      assert.match(error.message, /imp\.yaml:4: listeners\.https: .*65535/);
      assert.match(error.message, /imp\.yaml:6: log\.level: /);
      return true;
    },
  );
  assert.throws(() => parseNodeFile('a: [', 'imp.yaml'), /imp\.yaml:1: not YAML/);
});
