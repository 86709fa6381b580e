import { CREDENTIAL, type CredentialOwner, isCredential } from '../objects/credentials.ts';
import type { Reading } from '../store/access.ts';
import { AXL_ROLE } from '../store/factory.ts';

/** Who sends a request. */
export interface Account {
  readonly owner: CredentialOwner;
  readonly pkid: string;
  readonly access: 'none' | 'read' | 'write';
}

const SUPER_USERS = 'Standard CCM Super Users';

/** The account of a name and password; undefined when they do not belong together. */
export function signIn(reading: Reading, name: string, password: string): Account | undefined {
  for (const owner of ['applicationuser', 'enduser'] as const) {
    const [key, only] = owner === 'enduser' ? ['userid', ' AND u.status = 1'] : ['name', ''];
    const row = reading.get<{ pkid: string; credentials: string; lockedbyadministrator: string }>(
      `SELECT u.pkid, c.credentials, c.lockedbyadministrator FROM ${owner} u
       JOIN credential c ON c.fk${owner} = u.pkid AND c.tkcredential = ${CREDENTIAL.password}
       WHERE u.${key} = ? COLLATE NOCASE${only}`,
      name,
    );
    if (!row || row.lockedbyadministrator === 't' || !isCredential(row.credentials, password)) continue;
    return { owner, pkid: row.pkid, access: accessOf(reading, owner, row.pkid) };
  }
  return undefined;
}

/** What the roles of the account's groups allow, asked anew for every request. */
export function accessOf(reading: Reading, owner: CredentialOwner, pkid: string): Account['access'] {
  const rows = reading.all<{ role: string | null; grp: string }>(
    `SELECT g.name AS grp, r.name AS role FROM ${owner}dirgroupmap m JOIN dirgroup g ON g.pkid = m.fkdirgroup
     LEFT JOIN functionroledirgroupmap x ON x.fkdirgroup = g.pkid LEFT JOIN functionrole r ON r.pkid = x.fkfunctionrole
     WHERE m.fk${owner} = ?`,
    pkid,
  );
  const roles = new Set(rows.map((row) => row.role));
  if (roles.has(AXL_ROLE.full) || rows.some((row) => row.grp === SUPER_USERS)) return 'write';
  return roles.has(AXL_ROLE.users) && roles.has(AXL_ROLE.readOnly) ? 'read' : 'none';
}

/** Name and password of `Authorization: Basic`. Clients encode UTF-8, or Latin-1 as some still do. */
export function readBasic(
  header: string | undefined,
): { readonly name: string; readonly password: string } | undefined {
  const encoded = /^basic\s+([A-Za-z0-9+/=_-]+)\s*$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  const utf8 = bytes.toString('utf8');
  const decoded = utf8.includes('\ufffd') ? bytes.toString('latin1') : utf8;
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { name: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
