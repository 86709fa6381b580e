import { createHash } from 'node:crypto';
import type { Change, FeedBatch } from '../../../ids/change-feed.ts';
import type { WatchedTable } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import { NOBODY } from '../../../pidf/pidf.ts';
import type { Clock } from '../../../platform/clock.ts';
import { PRESENCE_EVENT, type Publication, STANDING_PUBLICATION } from '../../../presence/publication.ts';
import type { EngineConfiguration } from '../../../rpc/presence-engine/configuration.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import { pagesOf } from '../pages.ts';

/** Tables by which it changes what CUCM's phones say. */
export const PHONE_TABLES = [
  'device',
  'enduser',
  'enduserproperty',
  'dndpropagation',
] as const satisfies WatchedTable[];

export interface PhoneStateNeeds {
  readonly ids: Ids;
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
  readonly configuration: () => EngineConfiguration;
}

/** The user's choice whether phones count (`get-/set-phone-presence` of the Client Profile Agent). */
export const IN_PRESENCE = 'Phone.InPresence';
const KEY_SEPARATOR = '\u001f';

interface PhoneRow {
  readonly device: string;
  readonly name: string;
  readonly address: string;
}

/**
 * What CUCM's phones say of their owners: do not disturb, as the Sync Agent has read it, where the administrator lets it
 * count. A phone that rests says nothing, nor does one whose owner has taken phones out of presence.
 */
export class PhoneState {
  readonly #needs: PhoneStateNeeds;
  /** By key of the device. Outlives a restart of the service, as the rows of the datastore do. */
  readonly #published = new Map<string, Publication>();
  #isCounting: boolean | undefined;

  constructor(needs: PhoneStateNeeds) {
    this.#needs = needs;
  }

  get size(): number {
    return this.#published.size;
  }

  /** Of a batch of the change feed; answers a clause for its trace. */
  async apply(batch: FeedBatch): Promise<string> {
    if (batch.kind === 'snapshot') return await this.#settle(undefined);
    await this.#takeBackRefused(batch.changes);
    const devices = await this.#devicesOf(batch.changes);
    let said = '';
    for (const page of pagesOf([...devices])) said = (await this.#settle(page)) || said;
    return said;
  }

  /** Whether phones count is the administrator's to say: to be called when that may have changed. */
  async configure(): Promise<void> {
    const { phoneDoNotDisturb } = this.#needs.configuration().parameters;
    if (phoneDoNotDisturb !== this.#isCounting) await this.#settle(undefined);
  }

  /** Says again what holds. */
  async repeat(): Promise<void> {
    for (const each of this.#published.values())
      await this.#needs.presenceDatastore.publish(each, STANDING_PUBLICATION.lifeMs);
  }

  /** @param devices keys; undefined: all */
  async #settle(devices: readonly string[] | undefined): Promise<string> {
    this.#isCounting = this.#needs.configuration().parameters.phoneDoNotDisturb;
    const rows = this.#isCounting ? await this.#read(devices) : [];
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
      // What a phone says because presence says so must not hold that presence up.
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('dndpropagation')
              .whereRef('dndpropagation.fkdevice', '=', 'device.pkid')
              .select('dndpropagation.fkdevice'),
          ),
        ),
      )
      .select(['device.pkid as device', 'device.name', 'enduser.imaddress as address']);
    if (devices !== undefined) query = query.where('device.pkid', 'in', [...devices]);
    return (await query.execute()).map((row) => ({ ...row, address: row.address.toLowerCase() }));
  }

  /** What CUCM has published of users who have taken phones out of presence since. */
  async #takeBackRefused(changes: readonly Change[]): Promise<void> {
    const { ids, presenceDatastore } = this.#needs;
    const users = changes
      .filter(({ table }) => table === 'enduserproperty')
      .map(({ key }) => key.split(KEY_SEPARATOR))
      .flatMap(([user = '', name]) => (name === IN_PRESENCE ? [user] : []));
    for (const page of pagesOf([...new Set(users)])) {
      const refusing = await ids.read
        .selectFrom('enduserproperty')
        .innerJoin('enduser', 'enduser.pkid', 'enduserproperty.fkenduser')
        .where('enduserproperty.fkenduser', 'in', page)
        .where('enduserproperty.name', '=', IN_PRESENCE)
        .where('enduserproperty.value', '=', 'FALSE')
        .select('enduser.imaddress')
        .execute();
      for (const { imaddress } of refusing) {
        const address = imaddress.toLowerCase();
        for (const each of await presenceDatastore.publicationsOf(address, PRESENCE_EVENT)) {
          const isCucms = each.kind === 'phone' && each.etag !== undefined;
          if (isCucms) await presenceDatastore.unpublish(address, PRESENCE_EVENT, each.source);
        }
      }
    }
  }

  /** Keys of the devices that changes may touch. */
  async #devicesOf(changes: readonly Change[]): Promise<ReadonlySet<string>> {
    const devices = new Set<string>();
    const users = new Set<string>();
    for (const { table, key } of changes) {
      if (table === 'device' || table === 'dndpropagation') devices.add(key);
      else if (table === 'enduser') users.add(key);
      else if (table === 'enduserproperty') {
        const [user = '', name] = key.split(KEY_SEPARATOR);
        if (name === IN_PRESENCE) users.add(user);
      }
    }
    for (const page of pagesOf([...users])) {
      const rows = await this.#needs.ids.read
        .selectFrom('device')
        .innerJoin('enduser', 'enduser.userid', 'device.owneruserid')
        .where('enduser.pkid', 'in', page)
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
