import type { Transaction } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { parseXml } from '../../xml/parse.ts';
import { serialise } from '../../xml/serialise.ts';
import { type Jid, parseJid } from '../../xmpp/xmpp.ts';
import type { RoomConfig } from './room/room-config.ts';
import type { Affiliated, PastMessage, RoomState } from './room/room-state.ts';

/** Persistent rooms in the IDS: what was saved survives `kill -9`. */
export interface RoomStore {
  /** All of them, but only what a list shows. */
  list(): Promise<readonly StoredRoom[]>;
  /** Without occupants; undefined when there is no such room. */
  load(jid: Jid): Promise<RoomState | undefined>;
  /** Stores what an event has changed; nothing of an ad-hoc room. Answers how many messages were stored. */
  save(before: RoomState | undefined, after: RoomState | undefined): Promise<number>;
}

export interface StoredRoom {
  readonly jid: Jid;
  readonly config: RoomConfig;
}

/** The configuration as it stands in its column; a field that an older version did not know gets its default. */
const storedConfig = z.object({
  name: z.string().default(''),
  description: z.string().default(''),
  isPersistent: z.boolean().default(true),
  isPublic: z.boolean().default(true),
  isMembersOnly: z.boolean().default(false),
  isModerated: z.boolean().default(false),
  password: z.string().nullable().default(null),
  maxUsers: z.number().default(500),
  whois: z.enum(['moderators', 'anyone']).default('moderators'),
  historyLength: z.number().default(100),
  privateMessages: z.enum(['anyone', 'participants', 'moderators', 'none']).default('anyone'),
  isSubjectOpen: z.boolean().default(false),
  canInvite: z.boolean().default(true),
});

type Writer = Transaction<Database>;

export function createRoomStore(ids: Ids): RoomStore {
  return {
    async list() {
      const rows = await ids.read.selectFrom('tcroom').select(['room', 'config']).orderBy('room').execute();
      return rows.map(({ room, config }) => ({ jid: parseJid(room), config: storedConfig.parse(JSON.parse(config)) }));
    },

    async load(jid) {
      const room = jid.bare;
      const row = await ids.read.selectFrom('tcroom').selectAll().where('room', '=', room).executeTakeFirst();
      if (row === undefined) return undefined;
      const listed = await ids.read.selectFrom('tcroomaffiliation').selectAll().where('room', '=', room).execute();
      const said = await ids.read
        .selectFrom('tcroommessage')
        .selectAll()
        .where('room', '=', room)
        .orderBy('id')
        .execute();
      return {
        jid,
        config: storedConfig.parse(JSON.parse(row.config)),
        affiliations: new Map(
          listed.map(({ jid: who, affiliation, reason }) => [who, { jid: parseJid(who), affiliation, reason }]),
        ),
        occupants: new Map(),
        nicks: new Map(),
        subject: row.subject === '' ? null : readMessage(row.subjectid, row.subjectat, row.subject),
        history: said.map(({ id, at, stanza }) => readMessage(id, at, stanza)),
        isLocked: false,
      };
    },

    async save(before, after) {
      const was = isKept(before) ? before : undefined;
      const is = isKept(after) ? after : undefined;
      if (was === undefined && is === undefined) return 0;
      if (was !== undefined && is !== undefined && !hasChanged(was, is)) return 0;
      const room = (is ?? was)?.jid.bare ?? '';
      return await ids.transaction('client', async (trx) => {
        if (is === undefined) {
          for (const table of ['tcroom', 'tcroomaffiliation', 'tcroommessage'] as const) {
            await trx.deleteFrom(table).where('room', '=', room).execute();
          }
          return 0;
        }
        if (was?.config !== is.config || was.subject !== is.subject) await writeRoom(trx, is);
        await writeAffiliations(trx, room, was?.affiliations ?? new Map(), is.affiliations);
        return await writeHistory(trx, room, was?.history ?? [], is.history);
      });
    },
  };
}

function isKept(state: RoomState | undefined): boolean {
  return state?.config.isPersistent === true && !state.isLocked;
}

function hasChanged(was: RoomState, is: RoomState): boolean {
  return (
    was.config !== is.config ||
    was.subject !== is.subject ||
    was.affiliations !== is.affiliations ||
    was.history !== is.history
  );
}

async function writeRoom(trx: Writer, { jid, config, subject }: RoomState): Promise<void> {
  const row = {
    room: jid.bare,
    config: JSON.stringify(config),
    subject: subject === null ? '' : serialise(subject.element),
    subjectid: subject?.id ?? '',
    subjectat: subject?.atMs ?? 0,
  };
  await trx
    .insertInto('tcroom')
    .values(row)
    .onConflict((conflict) => conflict.column('room').doUpdateSet(row))
    .execute();
}

async function writeAffiliations(
  trx: Writer,
  room: string,
  was: ReadonlyMap<string, Affiliated>,
  is: ReadonlyMap<string, Affiliated>,
): Promise<void> {
  if (was === is) return;
  for (const jid of was.keys()) {
    if (is.has(jid)) continue;
    await trx.deleteFrom('tcroomaffiliation').where('room', '=', room).where('jid', '=', jid).execute();
  }
  for (const [jid, { affiliation, reason, ...rest }] of is) {
    const known = was.get(jid);
    if (known !== undefined && known.jid === rest.jid && known.affiliation === affiliation && known.reason === reason) {
      continue;
    }
    await trx
      .insertInto('tcroomaffiliation')
      .values({ room, jid, affiliation, reason })
      .onConflict((conflict) => conflict.columns(['room', 'jid']).doUpdateSet({ affiliation, reason }))
      .execute();
  }
}

async function writeHistory(
  trx: Writer,
  room: string,
  was: readonly PastMessage[],
  is: readonly PastMessage[],
): Promise<number> {
  if (was === is) return 0;
  const [before, after] = [new Set(was.map(({ id }) => id)), new Set(is.map(({ id }) => id))];
  for (const { id } of was) {
    if (after.has(id)) continue;
    await trx.deleteFrom('tcroommessage').where('room', '=', room).where('id', '=', id).execute();
  }
  const said = is.filter(({ id }) => !before.has(id));
  for (const { id, atMs, element } of said) {
    await trx
      .insertInto('tcroommessage')
      .values({ room, id, at: atMs, stanza: serialise(element) })
      .execute();
  }
  return said.length;
}

function readMessage(id: string, atMs: number, text: string): PastMessage {
  return { id, atMs, element: parseXml(text), size: text.length };
}
