import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openTestIds } from '../support/test-ids.ts';

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'imp-damage-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

describe('damaged database files', () => {
  it('makes the scratch database anew, and keeps the IDS', async () => {
    await using at = await folder();
    {
      await using test = await openTestIds({ folder: at.path });
      await test.ids.transaction('administrator', (trx) =>
        trx.insertInto('imdomain').values({ domain: 'a.example', isdefault: 1, isadminmanaged: 1 }).execute(),
      );
    }
    for (const suffix of ['-wal', '-shm']) await rm(join(at.path, `staging.db${suffix}`), { force: true });
    await writeFile(join(at.path, 'staging.db'), 'this is no database, and long enough to be looked at '.repeat(40));
    await using test = await openTestIds({ folder: at.path });
    assert.equal((await test.ids.read.selectFrom('imdomain').selectAll().execute()).length, 1);
  });

  it('names a damaged IDS and leaves it as it is', async () => {
    await using at = await folder();
    await writeFile(join(at.path, 'ids.db'), 'this is no database, and long enough to be looked at '.repeat(40));
    await assert.rejects(openTestIds({ folder: at.path }), { code: 'ids.corrupt', message: /ids\.db is damaged/ });
  });
});
