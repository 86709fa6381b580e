import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Sqlite from 'better-sqlite3';
import { admin, type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';
import { type MockProcess, startMockProcess } from '../support/mock-process.ts';
import { type Random, randomOf } from '../support/random.ts';

/** How often the node is killed; `IMP_FAULT_RUNS` sets it. */
const RUNS = Number(process.env.IMP_FAULT_RUNS ?? 50);
const SEED = Number(process.env.IMP_FAULT_SEED ?? 1);

interface Expected {
  readonly departments: Map<string, string>;
  updates: number;
}

async function change(mock: MockProcess, random: Random, expected: Expected, n: number): Promise<void> {
  const known = [...expected.departments.keys()];
  const userid = known[random(known.length)] ?? '';
  switch (random(6)) {
    case 0: {
      const added = `added${n}`;
      await mock.call(
        'addUser',
        `<user><lastName>${added}</lastName><userid>${added}</userid><department>d${n}</department><presenceGroupName>Standard Presence group</presenceGroupName><imAndPresenceEnable>true</imAndPresenceEnable></user>`,
      );
      expected.departments.set(added, `d${n}`);
      return;
    }
    case 1:
      if (userid.startsWith('added')) {
        await mock.call('removeUser', `<userid>${userid}</userid>`);
        expected.departments.delete(userid);
        return;
      }
      break;
    case 2:
      await mock.call(
        'updateUser',
        `<userid>${userid}</userid><directoryUri>${userid}@d${n % 7}.example</directoryUri>`,
      );
      return;
  }
  await mock.call('updateUser', `<userid>${userid}</userid><department>d${n}</department>`);
  expected.departments.set(userid, `d${n}`);
  expected.updates += 1;
}

/** Configuration files carry their version and checksum; a torn one would not parse. */
async function judgeFiles(data: string): Promise<number> {
  let files = 0;
  for (const component of ['sip-proxy', 'presence-engine']) {
    const folder = join(data, 'config', component);
    for (const name of await readdir(folder).catch(() => [])) {
      if (!/\.xml$/.test(name)) continue;
      const text = await readFile(join(folder, name), 'utf8');
      assert.match(text, /<\/\w[\w-]*>\s*$/, `${name} is whole`);
      assert.match(text, /version="\d+"/, `${name} has a version`);
      files += 1;
    }
  }
  return files;
}

interface Consumer {
  readonly consumer: string;
  readonly lagRows: number;
  readonly isFollowing: boolean;
  readonly failures: number;
}

async function settled(imp: ImpProcess): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const { feed } = (await admin(imp, 'GET', 'status')) as { feed: Consumer[] };
    if (feed.length >= 3 && feed.every((each) => each.isFollowing && each.lagRows === 0 && each.failures === 0)) return;
    if (performance.now() > deadline) throw new Error(`the feed does not settle: ${JSON.stringify(feed)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('kill -9 at any moment', () => {
  it(`loses no change, applies none twice, leaves files and cursors right (${RUNS} times)`, async () => {
    const random = randomOf(SEED);
    await using folder = await temporaryFolder();
    await using mock = await startMockProcess(['--users', '400', '--data', join(folder.path, 'cucm')]);
    const config = join(folder.path, 'imp.yaml');
    await writeFile(
      config,
      `domain: acme.example\ncucm:\n  url: ${mock.axl}\n  user: administrator\n  caFile: ${mock.ca}\nservices:\n  sync-agent:\n    pollIntervalSeconds: 1\n    pageRows: 50\n    sqlPageRows: 200\n`,
    );
    const data = join(folder.path, 'node');
    const start = (untilListening: boolean): Promise<ImpProcess> =>
      startImp({
        data,
        flags: ['--config', config],
        env: { IMP_CUCM_PASSWORD: 'Imp-demo-1' },
        untilListening,
      });
    const expected: Expected = { departments: new Map(), updates: 0 };
    for (const [userid, { department }] of await mock.users(['department'])) {
      expected.departments.set(userid, department ?? '');
    }
    let isActivated = false;
    let n = 0;
    for (let run = 0; run < RUNS; run += 1) {
      await using imp = await start(true);
      if (!isActivated) {
        for (const name of ['sip-proxy', 'presence-engine']) await admin(imp, 'POST', 'service/activate', { name });
        isActivated = true;
      }
      const end = performance.now() + random(run % 5 === 0 ? 400 : 2_500);
      while (performance.now() < end) {
        n += 1;
        await change(mock, random, expected, n);
        if (random(4) === 0) await new Promise((resolve) => setTimeout(resolve, random(120)));
        // Everything is read anew now and then, so that kills meet that too.
        if (random(200) === 0) void admin(imp, 'POST', 'sync', { full: true }).catch(() => undefined);
      }
      await imp.kill();
      await judgeFiles(data);
    }

    await using imp = await start(false);
    await admin(imp, 'POST', 'sync', {}).catch(() => undefined);
    await settled(imp);
    const database = new Sqlite(join(data, 'ids', 'ids.db'), { readonly: true });
    const rows = database
      .prepare('SELECT userid, department FROM enduser WHERE deletedat IS NULL ORDER BY userid')
      .all() as { userid: string; department: string }[];
    assert.deepEqual(
      new Map(rows.map((row) => [row.userid, row.department])),
      new Map([...expected.departments].sort(([a], [b]) => (a < b ? -1 : 1))),
      'the IDS equals CUCM',
    );
    const twice = database
      .prepare(
        `SELECT count(*) AS n FROM change_log WHERE tbl = 'enduser' AND op = 'u' AND ',' || changed LIKE '%,department,%'`,
      )
      .get() as { n: number };
    assert.ok(twice.n <= expected.updates, `${twice.n} changes for ${expected.updates} updates`);
    const last = (
      database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'").get() as { seq: number }
    ).seq;
    const places = database.prepare('SELECT consumer, seq FROM feed_consumer').all() as {
      consumer: string;
      seq: number;
    }[];
    for (const place of places) assert.ok(place.seq <= last, `${place.consumer} is not ahead of the log`);
    assert.deepEqual(database.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    database.close();
    assert.ok((await judgeFiles(data)) >= 2);
    assert.equal(await imp.stop(), 0);
  });
});
