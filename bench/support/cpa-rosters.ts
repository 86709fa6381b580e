/**
 * Fills an IDS with users and their rosters, as a sync and years of use would have left it: `FOLDER USERS CONTACTS`. A
 * process of its own, so that what is measured afterwards does not carry the debris.
 */
import type { Database } from 'better-sqlite3';
import { DOMAIN, seed, userRow } from '../../test/services/client-profile-agent/cpa-parts.ts';
import { openTestIds } from '../../test/support/test-ids.ts';

export const userIdOf = (index: number): string => `user${String(index).padStart(6, '0')}`;
export const userOf = (contact: number): string => `colleague${String(contact).padStart(4, '0')}`;
export const nicknameOf = (contact: number): string => `Colleague ${String(contact).padStart(4, '0')}`;

const GROUPS = 4;

interface Trigger {
  readonly name: string;
  readonly sql: string;
}

function putRosters(db: Database, users: number, contacts: number): void {
  const group = db.prepare('INSERT INTO rostergroup (pkid, fkenduser, name, position) VALUES (?, ?, ?, ?)');
  const item = db.prepare(
    "INSERT INTO rosteritem (pkid, fkenduser, contactuser, contactdomain, nickname, presenceaware, subscription, ask) VALUES (?, ?, ?, ?, ?, 1, 'both', 0)",
  );
  const place = db.prepare('INSERT INTO rosteritemgroup (fkrosteritem, fkrostergroup, position) VALUES (?, ?, ?)');
  for (let user = 0; user < users; user += 1) {
    const owner = `pkid-${userIdOf(user)}`;
    for (let each = 0; each < GROUPS; each += 1) group.run(`g${user}-${each}`, owner, `Group ${each}`, each);
    for (let contact = 0; contact < contacts; contact += 1) {
      item.run(`c${user}-${contact}`, owner, userOf(contact), DOMAIN, nicknameOf(contact));
      place.run(`c${user}-${contact}`, `g${user}-${contact % GROUPS}`, contact);
    }
  }
}

async function fill(folder: string, users: number, contacts: number): Promise<void> {
  await using test = await openTestIds({ folder });
  await seed(test);
  await test.ids.write((db) => {
    // Two million changes would keep the change feed busy for the whole benchmark: rosters are put in behind its back.
    const triggers = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all() as Trigger[];
    for (const { name } of triggers) db.exec(`DROP TRIGGER "${name}"`);
    putRosters(db, users, contacts);
    for (const { sql } of triggers) db.exec(sql);
  });
  await test.ids.transaction('node', async (trx) => {
    for (let index = 0; index < users; index += 1) {
      await trx
        .insertInto('enduser')
        .values(userRow({ userid: userIdOf(index) }))
        .execute();
    }
  });
}

if (import.meta.main) {
  const [folder = '', users, contacts] = process.argv.slice(2);
  await fill(folder, Number(users), Number(contacts));
}
