import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAtOneMoment } from '../../src/ids/consistent-read.ts';
import { openTestIds, type TestIds } from '../support/test-ids.ts';

const addDomain = (test: TestIds, domain: string): Promise<unknown> =>
  test.ids.transaction('administrator', (trx) =>
    trx.insertInto('imdomain').values({ domain, isdefault: 0, isadminmanaged: 1 }).execute(),
  );

describe('reading several tables as they stood at one moment', () => {
  it('reads again when one of them was written meanwhile', async () => {
    await using test = await openTestIds();
    let reads = 0;
    const seen = await readAtOneMoment(test.ids, test.changeFeed, ['imdomain'], async (db) => {
      reads += 1;
      const rows = await db.selectFrom('imdomain').select('domain').execute();
      if (reads === 1) await addDomain(test, 'a.example');
      return rows.map((row) => row.domain);
    });
    assert.deepEqual([reads, seen], [2, ['a.example']]);
  });

  it('does not mind others', async () => {
    await using test = await openTestIds();
    let reads = 0;
    await readAtOneMoment(test.ids, test.changeFeed, ['staticroute'], async () => {
      reads += 1;
      await addDomain(test, `${reads}.example`);
    });
    assert.equal(reads, 1);
  });

  it('gives up when they do not come to rest', async () => {
    await using test = await openTestIds();
    let reads = 0;
    await assert.rejects(
      readAtOneMoment(test.ids, test.changeFeed, ['imdomain'], async () => {
        reads += 1;
        await addDomain(test, `${reads}.example`);
      }),
      { code: 'ids.not-at-rest', kind: 'unavailable' },
    );
  });
});
