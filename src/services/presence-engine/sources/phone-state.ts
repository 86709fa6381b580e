import { createHash } from 'node:crypto';
import type { Change, FeedBatch } from '../../../ids/change-feed.ts';
import type { WatchedTable } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import { NOBODY } from '../../../pidf/pidf.ts';
import type { Clock } from '../../../platform/clock.ts';
import { PRESENCE_EVENT, type Publication, STANDING_PUBLICATION } from '../../../presence/publication.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';

/** Tables by which it changes what CUCM's phones say. */
export const PHONE_TABLES = ['device', 'enduser', 'enduserproperty'] as const satisfies WatchedTable[];

export interface PhoneStateNeeds {
  readonly ids: Ids;
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
}

/** The user's choice whether phones count (`get-/set-phone-presence` of the Client Profile Agent). */
const IN_PRESENCE = 'Phone.InPresence';
const KEY_SEPARATOR = '\u001f';
const KEYS_PER_QUERY = 400;

interface PhoneRow {
  readonly device: string;
  readonly name: string;
  readonly address: string;
}

/**
 * What CUCM's phones say of their owners: do not disturb, as the Sync Agent has read it. A phone that rests says nothing,
 * nor does one whose owner has taken phones out of presence.
 */
export class PhoneState {
  readonly #needs: PhoneStateNeeds;
  /** By key of the device. Outlives a restart of the service, as the rows of the datastore do. */
  readonly #published = new Map<string, Publication>();

  constructor(needs: PhoneStateNeeds) {
    this.#needs = needs;
  }

  get size(): number {
    return this.#published.size;
  }

  /** Of a batch of the change feed; answers a clause for its trace. */
  async apply(batch: FeedBatch): Promise<string> {
    if (batch.kind === 'snapshot') return await this.#settle(undefined);
    const devices = await this.#devicesOf(batch.changes);
    let said = '';
    const all = [...devices];
    for (let from = 0; from < all.length; from += KEYS_PER_QUERY) {
      said = (await this.#settle(all.slice(from, from + KEYS_PER_QUERY))) || said;
    }
    return said;
  }

  /** Says again what holds. */
  async repeat(): Promise<void> {
    for (const each of this.#published.values())
      await this.#needs.presenceDatastore.publish(each, STANDING_PUBLICATION.lifeMs);
  }

  /** @param devices keys; undefined: all */
  async #settle(devices: readonly string[] | undefined): Promise<string> {
    const rows = await this.#read(devices);
    const wanted = new Map(rows.map((row) => [row.device, row]));
    let count = 0;
    for (const device of devices ?? [...this.#published.keys()]) {
      const known = this.#published.get(device);
      const row = wanted.get(device);
      if (known === undefined || (row?.address === known.presentity && `phone/${row.name}` === known.source)) continue;
      await this.#needs.presenceDatastore.unpublish(known.presentity, PRESENCE_EVENT, known.source);
      this.#published.delete(device);
      count += 1;
    }
    for (const [device, row] of wanted) {
      if (this.#published.has(device)) continue;
      const publication = publicationOf(row, this.#needs.clock.now());
      await this.#needs.presenceDatastore.publish(publication, STANDING_PUBLICATION.lifeMs);
      this.#published.set(device, publication);
      count += 1;
    }
    return count === 0 ? '' : `${count} ${count === 1 ? 'phone' : 'phones'} told of do not disturb`;
  }

  async #read(devices: readonly string[] | undefined): Promise<readonly PhoneRow[]> {
    let query = this.#needs.ids.read
      .selectFrom('device')
      .innerJoin('enduser', 'enduser.userid', 'device.owneruserid')
      .leftJoin('enduserproperty as property', (join) =>
        join.onRef('property.fkenduser', '=', 'enduser.pkid').on('property.name', '=', IN_PRESENCE),
      )
      .where('device.dndstatus', '=', 1)
      .where('device.deletedat', 'is', null)
      .where('enduser.deletedat', 'is', null)
      .where('enduser.enablecups', '=', 1)
      .where('enduser.status', '=', 1)
      .where('enduser.peerclusterid', 'is', null)
      .where(({ eb, or }) => or([eb('property.value', 'is', null), eb('property.value', '=', 'TRUE')]))
      .select(['device.pkid as device', 'device.name', 'enduser.imaddress as address']);
    if (devices !== undefined) query = query.where('device.pkid', 'in', [...devices]);
    return (await query.execute()).map((row) => ({ ...row, address: row.address.toLowerCase() }));
  }

  /** Keys of the devices that changes may touch. */
  async #devicesOf(changes: readonly Change[]): Promise<ReadonlySet<string>> {
    const devices = new Set<string>();
    const users = new Set<string>();
    for (const { table, key } of changes) {
      if (table === 'device') devices.add(key);
      else if (table === 'enduser') users.add(key);
      else if (table === 'enduserproperty') {
        const [user = '', name] = key.split(KEY_SEPARATOR);
        if (name === IN_PRESENCE) users.add(user);
      }
    }
    const keys = [...users];
    for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
      const rows = await this.#needs.ids.read
        .selectFrom('device')
        .innerJoin('enduser', 'enduser.userid', 'device.owneruserid')
        .where('enduser.pkid', 'in', keys.slice(from, from + KEYS_PER_QUERY))
        .select('device.pkid')
        .execute();
      for (const { pkid } of rows) devices.add(pkid);
    }
    return devices;
  }
}

function publicationOf({ device, name, address }: PhoneRow, now: number): Publication {
  return {
    presentity: address,
    event: PRESENCE_EVENT,
    source: `phone/${name}`,
    kind: 'phone',
    sessionId: '',
    document: {
      entity: `sip:${address}`,
      person: { ...NOBODY, id: address.slice(0, address.lastIndexOf('@')), activities: ['dnd'] },
      tuples: [
        {
          // The name of a phone holds its hardware address, which is nobody's business.
          id: `phone-${createHash('sha256').update(device).digest('hex').slice(0, 8)}`,
          basic: 'open',
          contact: null,
          abilities: [],
          userInput: '',
          source: '',
          note: '',
        },
      ],
    },
    publishedAt: now,
  };
}
