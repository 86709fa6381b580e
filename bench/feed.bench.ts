/** The change feed: what triggers cost, and how soon a consumer hears of a commit. Ratios of one run. */
import { openTestIds } from '../test/support/test-ids.ts';

const ROWS = Number(process.argv[2] ?? 200_000);
const BATCH = 1_000;
const COMMITS = 2_000;

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function writeRate(withTriggers: boolean): Promise<number> {
  await using test = await openTestIds();
  if (!withTriggers) {
    await test.ids.write((db) => {
      for (const { name } of db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").all() as {
        name: string;
      }[]) {
        db.exec(`DROP TRIGGER ${name}`);
      }
    });
  }
  const began = performance.now();
  for (let from = 0; from < ROWS; from += BATCH) {
    await test.ids.write((db) => {
      const insert = db.prepare('INSERT INTO device (pkid, name, owneruserid) VALUES (?, ?, ?)');
      for (let index = from; index < from + BATCH; index += 1)
        insert.run(`device-${index}`, `SEP${index}`, `user${index}`);
    });
  }
  return ROWS / ((performance.now() - began) / 1000);
}

async function latencies(): Promise<number[]> {
  await using test = await openTestIds();
  const stop = new AbortController();
  const found: number[] = [];
  let committedAt = 0;
  let heard: () => void = () => undefined;
  const done = test.changeFeed.follow(
    { consumer: 'bench', tables: ['device'], start: 'resume', signal: stop.signal },
    async (batch) => {
      if (batch.kind === 'changes') found.push(performance.now() - committedAt);
      heard();
      return '';
    },
  );
  await test.changeFeed.settled();
  for (let index = 0; index < COMMITS; index += 1) {
    const next = new Promise<void>((resolve) => {
      heard = resolve;
    });
    await test.ids.transaction('cucm', async (trx) => {
      await trx
        .insertInto('device')
        .values({
          pkid: `device-${index}`,
          name: `SEP${index}`,
          description: '',
          product: '',
          model: '',
          protocol: 'SIP',
          devicepool: 'Default',
          owneruserid: '',
          allowcticontrol: 0,
          dndstatus: 0,
          dndoption: '',
          deletedat: null,
        })
        .execute();
      committedAt = performance.now();
    });
    await next;
  }
  stop.abort();
  await done;
  return found.sort((a, b) => a - b);
}

const plain = await writeRate(false);
const logged = await writeRate(true);
console.log(
  `changes written with triggers: ${Math.round(logged)}/s, ${(logged / plain).toFixed(2)} of the rate without`,
);
const times = await latencies();
console.log(
  `commit to consumer: p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms (${times.length} commits)`,
);
