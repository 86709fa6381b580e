import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

function check(files: Record<string, string>): { status: number | null; said: string } {
  const root = mkdtempSync(join(tmpdir(), 'imp-floors-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  const run = spawnSync(process.execPath, ['scripts/check-floors.ts', root], { encoding: 'utf8' });
  rmSync(root, { recursive: true });
  return { status: run.status, said: run.stderr.trim() };
}

describe('the floors of the house', () => {
  it('hold in src', () => {
    const run = spawnSync(process.execPath, ['scripts/check-floors.ts'], { encoding: 'utf8' });
    assert.equal(run.stderr, '');
    assert.equal(run.status, 0);
  });

  it('let imports run down', () => {
    assert.deepEqual(check({ 'services/a/a.ts': "import { x } from '../../ids/ids.ts';\n" }), { status: 0, said: '' });
  });

  it('refuse an import that runs up', () => {
    const { status, said } = check({ 'ids/ids.ts': "import { x } from '../services/a/a.ts';\n" });
    assert.equal(status, 1);
    assert.match(said, /ids\/ids.ts imports services\/a\/a.ts: imports only run down/);
  });

  it("refuse a service that imports another's code, and allow its types", () => {
    assert.equal(check({ 'services/a/a.ts': "import { x } from '../b/b.ts';\n" }).status, 1);
    assert.equal(check({ 'services/a/a.ts': "import type { X } from '../b/b.ts';\n" }).status, 0);
    assert.equal(check({ 'services/a/deep/a.ts': "export { x } from '../../b/b.ts';\n" }).status, 1);
  });

  it('refuse imports between rooms of one floor', () => {
    assert.match(check({ 'soap/a.ts': "import { x } from '../ids/ids.ts';\n" }).said, /one floor/);
  });
});
