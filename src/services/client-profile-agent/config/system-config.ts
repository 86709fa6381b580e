import type { Kysely } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { DIRECTORY_PASSWORD, PRESENCE_DOMAIN, SYSTEM_PROPERTIES } from '../names.ts';
import { readParameters } from '../parameters.ts';

const DIRECTORY_ROLES = ['Primary', 'Backup1', 'Backup2'] as const;

/**
 * The system's properties in the order they are sent, unset ones with empty text: service parameters of the same
 * names, and for the directory the LDAP hosts of CUCM where no parameter says otherwise.
 */
export async function readSystemConfig(
  db: Kysely<Database>,
  domain: string,
): Promise<readonly (readonly [string, string])[]> {
  const parameters = await readParameters(db);
  const known = new Map<string, string>(await readDirectoryHosts(db));
  for (const [name, value] of parameters) known.set(name, value);
  known.set(PRESENCE_DOMAIN, domain);
  known.set(DIRECTORY_PASSWORD, '');
  return SYSTEM_PROPERTIES.map((name) => [name, known.get(name) ?? '']);
}

async function readDirectoryHosts(db: Kysely<Database>): Promise<[string, string][]> {
  const hosts = await db
    .selectFrom('ldapauthenticationhost')
    .selectAll()
    .orderBy('hostname')
    .orderBy('pkid')
    .limit(DIRECTORY_ROLES.length)
    .execute();
  return hosts.flatMap((host, index): [string, string][] => {
    const prefix = `Directory.${DIRECTORY_ROLES[index]}`;
    return [
      [`${prefix}.Address`, host.hostname],
      [`${prefix}.Port`, String(host.portnumber)],
      [`${prefix}.Protocol`, host.sslenabled === 1 ? 'TLS' : 'TCP'],
    ];
  });
}
