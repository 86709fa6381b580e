import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { Agent, request } from 'undici';
import { admin, type ImpProcess, startImp, temporaryFolder } from '../support/imp-process.ts';
import { type MockProcess, startMockProcess } from '../support/mock-process.ts';
import { oneOf, type Random, randomOf } from '../support/random.ts';
import { differences } from './compare-with-cucm.ts';
import { type Change, createRandomChanges } from './random-changes.ts';
import { meaningOf } from './sync-sentence.ts';

/** How many changes CUCM sees; `IMP_FAULT_CHANGES` sets it. */
const CHANGES = Number(process.env.IMP_FAULT_CHANGES ?? 50_000);
const SEED = Number(process.env.IMP_FAULT_SEED ?? 1);
const USERS = CHANGES >= 10_000 ? 2_000 : 300;
/** Changes between two interruptions, about. */
const ROUND = CHANGES >= 10_000 ? 400 : 150;
const AT_ONCE = 3;
/** Everything is compared row by row after so many interruptions. */
const COMPARED_EVERY = 10;

/** An interruption: what is done to CUCM, and what the node must say of it while it lasts. */
interface Interruption {
  readonly name: string;
  /** Faults of the mock that stay until they are cleared. */
  readonly faults?: Readonly<Record<string, string>>;
  /** The process is killed, and started again on the same data and port. */
  readonly kills?: boolean;
  /** What the reason says while it lasts; absent: the node copes. */
  readonly says?: RegExp;
  /** CUCM asks for patience, and the node says so. */
  readonly isPatient?: boolean;
}

const INTERRUPTIONS: readonly Interruption[] = [
  { name: 'kill -9', kills: true, says: /refuses connections|connection to 127\.0\.0\.1 broke/ },
  { name: 'queue reset', faults: { 'queue-reset': 'on' } },
  { name: 'restart of the AXL service', faults: { restart: 'on' } },
  { name: 'latency', faults: { latency: '40ms' } },
  { name: 'garbage', faults: { garbage: 'on' }, says: /that is no AXL/ },
  { name: 'a few garbled answers', faults: { garbage: '3' } },
  { name: 'truncated answers', faults: { truncate: 'on' }, says: /that is no AXL|connection to 127\.0\.0\.1 broke/ },
  { name: 'a few truncated answers', faults: { truncate: '3' } },
  { name: 'throttling', faults: { memory: 'on' }, isPatient: true },
  { name: 'a little throttling', faults: { memory: '2' } },
  { name: 'errors', faults: { 'error-rate': '20%' } },
  { name: 'the AXL service stopped', faults: { stopped: 'on' }, says: /AXL service of 127\.0\.0\.1 is not running/ },
  { name: 'the server away', faults: { down: 'on' }, says: /connection to 127\.0\.0\.1 broke/ },
  {
    name: 'an expired certificate',
    faults: { 'expired-certificate': 'on' },
    says: /certificate of 127\.0\.0\.1 is refused/,
  },
];

interface SyncView {
  readonly state: string;
  readonly sentence: string;
}

/** CUCM, the node and what is done to them. */
class Day {
  #mock: MockProcess;
  readonly #mockFlags: readonly string[];
  readonly imp: ImpProcess;
  readonly database: Sqlite.Database;
  /** Successes and refusals by kind of change. */
  readonly tally = new Map<string, { done: number; refused: number; lost: number }>();
  #isUp: Promise<void> = Promise.resolve();
  /** For what must be undone whatever certificate CUCM shows; a connection each time, as they are cut too. */
  readonly #careless = new Agent({ pipelining: 0, connect: { rejectUnauthorized: false } });

  constructor(mock: MockProcess, mockFlags: readonly string[], imp: ImpProcess, database: Sqlite.Database) {
    this.#mock = mock;
    this.#mockFlags = mockFlags;
    this.imp = imp;
    this.database = database;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#careless.destroy();
    await this.#mock[Symbol.asyncDispose]();
  }

  get mock(): MockProcess {
    return this.#mock;
  }

  /** Kills CUCM, and starts it again after `meanwhile`. */
  async killMock(meanwhile: () => Promise<void>): Promise<void> {
    let up: () => void = () => undefined;
    this.#isUp = new Promise((resolve) => {
      up = resolve;
    });
    const { port } = this.#mock;
    await this.#mock.kill();
    await this.#mock[Symbol.asyncDispose]();
    try {
      await meanwhile();
    } finally {
      this.#mock = await startMockProcess(this.#mockFlags, port);
      up();
    }
  }

  /** Makes one change; an answer that is lost leaves it open whether CUCM did it. */
  async change(change: Change): Promise<void> {
    await this.#isUp;
    const tally = this.tally.get(change.kind) ?? { done: 0, refused: 0, lost: 0 };
    this.tally.set(change.kind, tally);
    try {
      for (const [operation, inside] of change.steps) await this.mock.call(operation, inside);
      change.done?.();
      tally.done += 1;
    } catch (error) {
      const message = String(error);
      if (/<axlcode>(?:5007|5003|-239|-691)</.test(message)) {
        if (/not found/i.test(message)) change.gone?.();
        tally.refused += 1;
      } else tally.lost += 1;
    }
  }

  /** Sets faults of the mock, whatever else it does. */
  async faults(method: 'POST' | 'DELETE', faults?: Readonly<Record<string, string>>): Promise<void> {
    const answer = await request(new URL('/faults', this.mock.axl), {
      method,
      dispatcher: this.#careless,
      headers: {
        authorization: `Basic ${Buffer.from('administrator:Imp-demo-1').toString('base64')}`,
        'content-type': 'application/json',
      },
      body: faults === undefined ? null : JSON.stringify(faults),
    });
    assert.equal(answer.statusCode, 200, await answer.body.text());
  }

  async status(): Promise<SyncView> {
    return ((await admin(this.imp, 'GET', 'status')) as { sync: SyncView }).sync;
  }

  /** Asks for a sync at once, as an administrator who cannot wait; answers the last line of what is told. */
  async sync(full = false): Promise<Readonly<Record<string, unknown>>> {
    const { endpoints, agent } = this.imp;
    const answer = await request(`${endpoints.admin}/api/sync`, {
      method: 'POST',
      dispatcher: agent,
      headers: {
        authorization: `Bearer ${(await readFile(endpoints.adminToken, 'utf8')).trim()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ full }),
    });
    return JSON.parse((await answer.body.text()).trim().split('\n').at(-1) ?? '{}');
  }

  #asked: Promise<void> | undefined;
  #failure: unknown;
  /** As `sync`, without waiting; once at a time. */
  ask(): void {
    this.#asked ??= this.sync()
      .then(
        () => undefined,
        (error: unknown) => {
          this.#failure = error;
        },
      )
      .finally(() => {
        this.#asked = undefined;
      });
  }

  /** Users and place in the IDS. */
  facts(): { users: number; place: number } {
    const users = this.database.prepare('SELECT count(*) AS n FROM enduser WHERE deletedat IS NULL').get() as {
      n: number;
    };
    const place = this.database.prepare('SELECT nextchangeid AS n FROM epassyncagentcfg').get() as { n: string };
    return { users: users.n, place: Number(place.n) };
  }

  /** Reads the status until `judge` is content with its sentence, which must mean something true each time. */
  async until(what: string, judge: (sync: SyncView) => boolean): Promise<void> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const before = this.facts();
      const sync = await this.status();
      this.#judgeTruth(sync, before, this.facts());
      if (judge(sync)) return;
      if (performance.now() > deadline) assert.fail(`${what}: it stays: ${sync.state}. ${sync.sentence}`);
      await pause(20);
    }
  }

  #judgeTruth(sync: SyncView, before: { users: number; place: number }, after: { users: number; place: number }): void {
    const meaning = meaningOf(sync.sentence);
    const isQuiet = before.users === after.users && before.place === after.place;
    switch (meaning.kind) {
      case 'following':
        assert.equal(sync.state, 'Following', sync.sentence);
        break;
      case 'complete':
        assert.ok(['InSync', 'Following'].includes(sync.state), sync.sentence);
        break;
      case 'reading':
        assert.ok(['Syncing', 'Resync'].includes(sync.state), sync.sentence);
        assert.ok(meaning.total === null || meaning.done <= meaning.total * 1.2 + 50, sync.sentence);
        break;
      case 'patient':
        judgeTime(meaning.retryAt, sync.sentence);
        break;
      case 'failed':
        assert.equal(sync.state, 'Degraded', sync.sentence);
        assert.ok(meaning.retryAt !== null, `it does not try again: ${sync.sentence}`);
        if (meaning.retryAt !== 'now') judgeTime(meaning.retryAt, sync.sentence);
        if (isQuiet) assert.equal(meaning.users, after.users, sync.sentence);
        break;
    }
  }

  /** Nothing changes any more: the node is asked until it says that it has everything. */
  async settle(after: string): Promise<void> {
    const { users, next } = await this.#cucm();
    await this.until(`after ${after}`, ({ sentence }) => {
      const meaning = meaningOf(sentence);
      if (meaning.kind === 'following' && meaning.place === next) {
        assert.equal(meaning.users, users, `after ${after}: ${sentence}`);
        assert.deepEqual(this.facts(), { users, place: next });
        return true;
      }
      if (meaning.kind === 'failed' || meaning.kind === 'following') this.ask();
      return false;
    });
  }

  /** That a connection was cut may be heard of only when it is used: it is asked again on another. */
  async #cucm(tries = 5): Promise<{ users: number; next: number }> {
    try {
      return await this.#readCucm();
    } catch (error) {
      if (tries <= 1 || (error as { code?: unknown }).code !== 'UND_ERR_SOCKET') throw error;
      return await this.#cucm(tries - 1);
    }
  }

  async #readCucm(): Promise<{ users: number; next: number }> {
    const [counted, place] = [
      await this.mock.call('executeSQLQuery', '<sql>select count(*) as n from enduser</sql>'),
      await this.mock.call('listChange', ''),
    ];
    const next = place.children
      .flatMap((child) => (typeof child === 'string' ? [] : child.children))
      .find((child) => typeof child !== 'string' && child.local === 'nextStartChangeId');
    const text = (from: typeof counted): string =>
      from.children.map((child) => (typeof child === 'string' ? child : text(child))).join('');
    return { users: Number(text(counted)), next: Number(typeof next === 'object' ? text(next) : Number.NaN) };
  }
}

/** A time at which something is tried again is not past, but for the moment that the machine takes. */
function judgeTime(retryAt: number, sentence: string): void {
  assert.ok(retryAt > Date.now() - 5_000 && retryAt < Date.now() + 61_000, sentence);
}

/** Does to CUCM what is to be done, hears what the node says of it, and undoes it. */
async function interrupt(day: Day, interruption: Interruption, random: Random): Promise<void> {
  const { says } = interruption;
  const heard = async (): Promise<void> => {
    if (says === undefined && !interruption.isPatient) {
      await pause(random(1_000));
      await day.sync();
      return;
    }
    day.ask();
    await day.until(interruption.name, ({ sentence }) => {
      const meaning = meaningOf(sentence);
      if (interruption.isPatient) return meaning.kind === 'patient';
      return meaning.kind === 'failed' && says?.test(meaning.reason) === true;
    });
    await pause(random(500));
  };
  if (interruption.kills) {
    await day.killMock(heard);
    return;
  }
  await day.faults('POST', interruption.faults);
  await heard();
  await day.faults('DELETE');
}

describe('a day in ten minutes', () => {
  it(`follows ${CHANGES} random changes of CUCM through every interruption, and equals it (seed ${SEED})`, async (test) => {
    const random = randomOf(SEED);
    await using folder = await temporaryFolder();
    const flags = ['--users', String(USERS), '--data', join(folder.path, 'cucm')];
    await using stack = new AsyncDisposableStack();
    const mock = await startMockProcess(flags);
    const config = join(folder.path, 'imp.yaml');
    await writeFile(
      config,
      `domain: acme.example\ncucm:\n  url: ${mock.axl}\n  user: administrator\n  caFile: ${mock.ca}\nservices:\n  sync-agent:\n    pollIntervalSeconds: 1\n    pageRows: 100\n    sqlPageRows: 300\n`,
    );
    const imp = stack.use(
      await startImp({
        data: join(folder.path, 'node'),
        flags: ['--config', config],
        env: { IMP_CUCM_PASSWORD: 'Imp-demo-1' },
      }),
    );
    const database = new Sqlite(join(folder.path, 'node', 'ids', 'ids.db'), { readonly: true });
    stack.defer(() => void database.close());
    const day = stack.use(new Day(mock, flags, imp, database));

    const changes = await createRandomChanges(mock, random);
    let made = 0;
    let rounds = 0;
    // Every interruption comes once before any comes again.
    let bag: Interruption[] = [];
    while (made < CHANGES) {
      rounds += 1;
      if (bag.length === 0) bag = [...INTERRUPTIONS];
      const interruption = oneOf(random, bag);
      bag = bag.filter((each) => each !== interruption);
      const end = Math.min(CHANGES, made + ROUND);
      const strikesAt = made + random(end - made);
      let isStruck = false;
      let struck: Promise<void> = Promise.resolve();
      const work = async (): Promise<void> => {
        while (made < end) {
          made += 1;
          if (made > strikesAt && !isStruck) {
            isStruck = true;
            struck = interrupt(day, interruption, random);
            struck.catch(() => undefined);
          }
          await day.change(changes.next());
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      if (!isStruck) struck = interrupt(day, interruption, random);
      await struck;
      await day.settle(interruption.name);
      if (rounds % COMPARED_EVERY === 0) {
        assert.deepEqual((await differences(day.mock, database)).slice(0, 10), [], `after ${interruption.name}`);
      }
    }

    assert.deepEqual((await differences(day.mock, database)).slice(0, 10), [], 'the IDS equals CUCM');
    const again = await day.sync(true);
    assert.deepEqual(
      [again.inserted, again.updated, again.deleted],
      [0, 0, 0],
      'reading everything anew finds nothing that following has missed',
    );
    for (const [kind, { done, refused, lost }] of day.tally) {
      test.diagnostic(`${kind}: ${done} done, ${refused} refused, ${lost} lost`);
      assert.ok(done > 0 || refused + lost < 5, `${kind} never worked`);
    }
    assert.deepEqual(database.pragma('integrity_check'), [{ integrity_check: 'ok' }]);
    assert.equal(await imp.stop(), 0);
  });
});
