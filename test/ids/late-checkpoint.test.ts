import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withLateCheckpoint } from '../../src/ids/sqlite/checkpoint.ts';
import { openTestIds, type TestIds } from '../support/test-ids.ts';

const limitOf = (test: TestIds): Promise<number> =>
  test.ids.write((database) => Number(database.pragma('wal_autocheckpoint', { simple: true })));

/** Some 40 MB, more than the limit at which SQLite itself brings the log into the file. */
const writeMuch = (test: TestIds): Promise<void> =>
  test.ids.write((database) => {
    const insert = database.prepare("INSERT INTO enduserproperty (fkenduser, name, value) VALUES ('u', ?, ?)");
    for (let n = 0; n < 10_000; n += 1) insert.run(`p${n}`, 'x'.repeat(4_000));
  });

describe('a transaction that writes much', () => {
  it('has what it wrote brought into the file after its commit, by another thread', async () => {
    await using test = await openTestIds();
    const file = join(test.folder, 'ids.db');
    const usual = await limitOf(test);
    let atCommit = 0;
    await withLateCheckpoint(test.ids, async () => {
      assert.equal(await limitOf(test), 0);
      const before = statSync(file).size;
      await writeMuch(test);
      atCommit = statSync(file).size - before;
    });
    assert.equal(atCommit, 0, 'the commit left it in the log');
    assert.ok(statSync(file).size > 40_000_000);
    assert.equal(await limitOf(test), usual);
  });

  it('leaves things as they were when it fails', async () => {
    await using test = await openTestIds();
    const usual = await limitOf(test);
    await assert.rejects(
      withLateCheckpoint(test.ids, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await limitOf(test), usual);
  });
});
