import type { Ids } from '../../../ids/ids.ts';

export interface UserPhone {
  readonly pkid: string;
  readonly name: string;
  /** What CUCM said last. */
  readonly dnd: boolean;
  /** What we want it to be; null: nothing. */
  readonly wanted: boolean | null;
  /** CUCM has taken what we want. */
  readonly isDone: boolean;
}

/** Phones of a user, and what became of our wishes about them. */
export interface DndStore {
  /** Phones that the user owns or controls, and those that we have set for the user. */
  phonesOf(userPkid: string, userid: string): Promise<readonly UserPhone[]>;
  /** Written before CUCM is asked, so that a crash is made good. */
  want(userPkid: string, phone: UserPhone, dnd: boolean): Promise<void>;
  done(phone: UserPhone): Promise<void>;
  forget(phone: UserPhone): Promise<void>;
  /** Addresses of users of whom there are rows. */
  addresses(): Promise<readonly string[]>;
  /** Forgets phones that were taken back, once CUCM has said so, or after long enough. */
  settle(): Promise<number>;
}

/** CUCM tells of our own change within its polling interval. */
const ECHO_MS = 10 * 60_000;

export function createDndStore(ids: Ids, now: () => number): DndStore {
  return {
    async phonesOf(userPkid, userid) {
      const rows = await ids.read
        .selectFrom('device')
        .leftJoin('dndpropagation as ours', (join) =>
          join.onRef('ours.fkdevice', '=', 'device.pkid').on('ours.fkenduser', '=', userPkid),
        )
        .where('device.deletedat', 'is', null)
        .where(({ or, eb, selectFrom }) =>
          or([
            eb('ours.fkdevice', 'is not', null),
            eb('device.owneruserid', '=', userid),
            eb(
              'device.pkid',
              'in',
              selectFrom('enduserdevicemap')
                .where('fkenduser', '=', userPkid)
                .where('tkuserassociation', '=', CONTROLLED)
                .select('fkdevice'),
            ),
          ]),
        )
        .select(['device.pkid', 'device.name', 'device.dndstatus', 'ours.dnd', 'ours.done'])
        .orderBy('device.name')
        .execute();
      return rows.map(({ pkid, name, dndstatus, dnd, done }) => ({
        ...{ pkid, name, dnd: dndstatus === 1, wanted: dnd === null ? null : dnd === 1, isDone: done === 1 },
      }));
    },
    async want(fkenduser, { pkid: fkdevice }, dnd) {
      const wish = { fkenduser, dnd: dnd ? 1 : 0, done: 0, at: now() };
      await ids.transaction('node', async (trx) => {
        await trx
          .insertInto('dndpropagation')
          .values({ fkdevice, ...wish })
          .onConflict((conflict) => conflict.column('fkdevice').doUpdateSet(wish))
          .execute();
      });
    },
    async done({ pkid }) {
      await ids.transaction('node', async (trx) => {
        await trx.updateTable('dndpropagation').set({ done: 1, at: now() }).where('fkdevice', '=', pkid).execute();
      });
    },
    async forget({ pkid }) {
      await ids.transaction('node', async (trx) => {
        await trx.deleteFrom('dndpropagation').where('fkdevice', '=', pkid).execute();
      });
    },
    async addresses() {
      const rows = await ids.read
        .selectFrom('dndpropagation')
        .innerJoin('enduser', 'enduser.pkid', 'dndpropagation.fkenduser')
        .select('enduser.imaddress')
        .distinct()
        .execute();
      return rows.map(({ imaddress }) => imaddress.toLowerCase());
    },
    async settle() {
      const over = await ids.read
        .selectFrom('dndpropagation as ours')
        .leftJoin('device', 'device.pkid', 'ours.fkdevice')
        .where('ours.dnd', '=', 0)
        .where('ours.done', '=', 1)
        .where(({ or, eb }) =>
          or([eb('device.dndstatus', '=', 0), eb('device.pkid', 'is', null), eb('ours.at', '<', now() - ECHO_MS)]),
        )
        .select('ours.fkdevice')
        .execute();
      if (over.length === 0) return 0;
      await ids.transaction('node', async (trx) => {
        for (const { fkdevice } of over) {
          await trx.deleteFrom('dndpropagation').where('fkdevice', '=', fkdevice).where('dnd', '=', 0).execute();
        }
      });
      return over.length;
    },
  };
}

/** `tkuserassociation` of a controlled device. */
const CONTROLLED = 1;
