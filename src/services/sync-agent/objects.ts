import type { StagedRow, Staging } from '../../ids/staging.ts';
import type { XmlElement } from '../../xml/element.ts';
import type { AxlReader } from './axl-reader.ts';
import { deviceRow, endUserRow, lineRow, TAGS } from './mapping.ts';
import { withDisplayNames } from './stages.ts';
import { SYNCED } from './tables.ts';

/** The objects of which there are many: read page by page at first, one by one when they change. */
export type ManyName = 'lines' | 'endUsers' | 'devices';

interface ManyKind {
  /** AXL's name of the object, in change notifications. */
  readonly type: string;
  readonly get: string;
  readonly tags: readonly string[];
  /** Its table at CUCM, and which of the rows are such objects. */
  readonly from: string;
  readonly where?: string;
  readonly row: (object: XmlElement, domain: string) => StagedRow;
}

export const MANY: Readonly<Record<ManyName, ManyKind>> = {
  lines: {
    type: 'Line',
    get: 'getLine',
    tags: TAGS.line,
    from: 'numplan',
    // Of all patterns, those of devices.
    where: 'tkpatternusage = 2',
    row: lineRow,
  },
  endUsers: { type: 'User', get: 'getUser', tags: TAGS.user, from: 'enduser', row: endUserRow },
  devices: {
    type: 'Phone',
    get: 'getPhone',
    tags: TAGS.phone,
    from: 'device',
    // Of all devices, the phones.
    where: 'tkclass = 1',
    row: deviceRow,
  },
};

/** How many are fetched at the same time. */
const AT_ONCE = 4;

export interface ObjectNeeds {
  readonly reader: AxlReader;
  readonly staging: Staging;
  readonly domain: string;
}

/** Fetches objects by their pkids and stages those that exist; answers their rows. */
export async function stageObjects(
  { reader, staging, domain }: ObjectNeeds,
  name: ManyName,
  pkids: Iterable<string>,
): Promise<readonly StagedRow[]> {
  const kind = MANY[name];
  const found: StagedRow[] = [];
  const waiting = [...pkids];
  const work = async (): Promise<void> => {
    for (let pkid = waiting.pop(); pkid !== undefined; pkid = waiting.pop()) {
      const object = await reader.get(kind.get, pkid, kind.tags);
      if (object !== undefined) found.push(kind.row(object, domain));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const rows = name === 'endUsers' ? await withDisplayNames(reader, found) : found;
  await staging.put(SYNCED[name], rows);
  return rows;
}
