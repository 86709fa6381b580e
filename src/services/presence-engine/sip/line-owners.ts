import type { Ids } from '../../../ids/ids.ts';
import { refusal } from '../../../sip/errors.ts';
import { decodeEscapes, type Uri } from '../../../sip/values/uri.ts';
import { IN_PRESENCE } from '../sources/phone-state.ts';
import type { Residents } from '../watching/residents.ts';
import { addressOfUri } from './addresses.ts';

const DIRECTORY_NUMBER = /^\+?[0-9*#]{1,48}$/;

/** Of whom a phone tells. */
export interface LineOwners {
  /** Addresses of the users of this node, those who have taken phones out of presence among them. */
  readonly all: readonly string[];
  /** Without them. */
  readonly counted: readonly string[];
}

/**
 * Whom CUCM's trunk means: a user by address or by user id (at whatever host the trunk knows us by), else the owners of
 * the phones that have the line.
 * @throws SipError 404 nobody, 480 other nodes or clusters serve them
 */
export async function lineOwners(ids: Ids, residents: Residents, uri: Uri): Promise<LineOwners> {
  const user = userOf(uri);
  if (user === undefined) throw refusal(404, 'Not Found');
  const address = addressOfUri(uri);
  const named = address === undefined ? undefined : await residents.find(address);
  const candidates = named?.kind === 'here' ? [address as string] : await candidatesOf(ids, user);
  const all: string[] = [];
  let isElsewhere = named?.kind === 'elsewhere';
  for (const each of candidates) {
    const { kind } = await residents.find(each);
    if (kind === 'here') all.push(each);
    isElsewhere ||= kind === 'elsewhere';
  }
  if (all.length === 0) throw isElsewhere ? refusal(480, 'Temporarily Unavailable') : refusal(404, 'Not Found');
  const refusing = await ids.read
    .selectFrom('enduserproperty')
    .innerJoin('enduser', 'enduser.pkid', 'enduserproperty.fkenduser')
    .where('enduserproperty.name', '=', IN_PRESENCE)
    .where('enduserproperty.value', '=', 'FALSE')
    .where((eb) => eb(eb.fn<string>('lower', ['enduser.imaddress']), 'in', all))
    .select('enduser.imaddress')
    .execute();
  const out = new Set(refusing.map(({ imaddress }) => imaddress.toLowerCase()));
  return { all, counted: all.filter((each) => !out.has(each)) };
}

/** Addresses by user id, else by the line. */
async function candidatesOf({ read }: Ids, user: string): Promise<readonly string[]> {
  const byId = await read
    .selectFrom('enduser')
    .where((eb) => eb(eb.fn<string>('lower', ['userid']), '=', user.toLowerCase()))
    .where('deletedat', 'is', null)
    .select('imaddress')
    .execute();
  if (byId.length > 0) return byId.map(({ imaddress }) => imaddress.toLowerCase());
  if (!DIRECTORY_NUMBER.test(user)) return [];
  const byLine = await read
    .selectFrom('numplan')
    .innerJoin('devicenumplanmap', 'devicenumplanmap.fknumplan', 'numplan.pkid')
    .innerJoin('device', 'device.pkid', 'devicenumplanmap.fkdevice')
    .innerJoin('enduser', 'enduser.userid', 'device.owneruserid')
    // CUCM writes the plus of a number as a pattern that is escaped.
    .where('numplan.dnorpattern', 'in', [user, `\\${user}`])
    .where('numplan.deletedat', 'is', null)
    .where('device.deletedat', 'is', null)
    .where('enduser.deletedat', 'is', null)
    .select('enduser.imaddress')
    .distinct()
    .execute();
  return byLine.map(({ imaddress }) => imaddress.toLowerCase());
}

function userOf(uri: Uri): string | undefined {
  if (uri.kind === 'sip') return uri.user === undefined ? undefined : decodeEscapes(uri.user).split(';')[0];
  return uri.scheme === 'tel' ? uri.opaque.split(/[;?]/)[0] : undefined;
}
