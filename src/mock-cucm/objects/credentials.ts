import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { elements, textOf } from '../../xml/element.ts';
import { join, textElement } from '../../xml/write.ts';
import { AxlFault, notFound } from '../message/axl-fault.ts';
import { parseFlag } from '../message/values.ts';
import type { Writing } from '../store/access.ts';
import { type PartsField, parts, type SecretField, secret } from './field.ts';

export type CredentialOwner = 'enduser' | 'applicationuser';

/** `credential.tkcredential`. */
export const CREDENTIAL = { digest: 1, password: 3, pin: 4 } as const;

/**
 * Salted, and cheap to check on purpose: credentials of a mock are no secrets, and every sign-in that is measured
 * against it waits for this.
 */
export function hashCredential(value: string, salt = randomBytes(12).toString('base64url')): string {
  return `${salt}$${createHash('sha256').update(`${salt}$${value}`, 'utf8').digest('base64url')}`;
}

export function isCredential(stored: string, value: string): boolean {
  const salt = stored.slice(0, stored.indexOf('$'));
  const expected = Buffer.from(stored, 'utf8');
  const found = Buffer.from(hashCredential(value, salt), 'utf8');
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** Stores a credential in place of the one before. */
export function setCredential(
  writing: Writing,
  owner: CredentialOwner,
  pkid: string,
  kind: number,
  value: string,
): void {
  writing.run(
    `INSERT INTO credential (pkid, fk${owner}, credentials, tkcredential, timechanged) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (fk${owner}, tkcredential) DO UPDATE SET credentials = excluded.credentials,
       timechanged = excluded.timechanged, hackcount = 0`,
    writing.newPkid(),
    pkid,
    hashCredential(value),
    kind,
    Math.floor(writing.now() / 1000),
  );
}

/** An empty password in an update is a client's unset field, and changes nothing. */
function credential(tag: string, verbs: string, owner: CredentialOwner, kind: number): SecretField {
  return secret(tag, verbs, (writing, pkid, value) => {
    if (value !== '') setCredential(writing, owner, pkid, kind, value);
  });
}

export const passwordTag = (owner: CredentialOwner, verbs: string): SecretField =>
  credential('password', verbs, owner, CREDENTIAL.password);

export const pinTag = (verbs: string): SecretField =>
  secret('pin', verbs, (writing, pkid, value) => {
    if (value === '') return;
    if (!/^\d{4,}$/.test(value)) throw new AxlFault(5003, 'The PIN must consist of four digits or more');
    setCredential(writing, 'enduser', pkid, CREDENTIAL.pin, value);
  });

export const digestTag = (owner: CredentialOwner, verbs: string): SecretField =>
  credential('digestCredentials', verbs, owner, CREDENTIAL.digest);

interface CredentialRow {
  readonly policy: string | null;
  readonly usercantchange: string;
  readonly usermustchange: string;
  readonly doesnotexpire: string;
  readonly timechanged: number;
  readonly timeadminlockout: number;
  readonly lockedbyadministrator: string;
}

const FLAGS: Readonly<Record<string, string>> = {
  CredUserCantChange: 'usercantchange',
  CredUserMustChange: 'usermustchange',
  CredDoesNotExpire: 'doesnotexpire',
  CredLockedByAdministrator: 'lockedbyadministrator',
};

/** How a password or PIN is kept: its policy, its locks. Read, and changed by an update; an add ignores it. */
export function credentialTag(tag: string, prefix: 'pwd' | 'pin', owner: CredentialOwner, kind: number): PartsField {
  const yes = (value: string): string => (value === 't' ? 'true' : 'false');
  return parts(
    tag,
    'aug',
    (reading, pkid) => {
      const row = reading.get<CredentialRow>(
        `SELECT p.name AS policy, c.usercantchange, c.usermustchange, c.doesnotexpire, c.timechanged, c.timeadminlockout,
           c.lockedbyadministrator FROM credential c LEFT JOIN credentialpolicy p ON p.pkid = c.fkcredentialpolicy
         WHERE c.fk${owner} = ? AND c.tkcredential = ?`,
        pkid,
        kind,
      );
      return join([
        textElement(`${prefix}CredPolicyName`, row?.policy ?? ''),
        textElement(`${prefix}CredUserCantChange`, yes(row?.usercantchange ?? 'f')),
        textElement(`${prefix}CredUserMustChange`, yes(row?.usermustchange ?? 'f')),
        textElement(`${prefix}CredDoesNotExpire`, yes(row?.doesnotexpire ?? 'f')),
        textElement(`${prefix}CredTimeChanged`, row && row.timechanged > 0 ? clockTime(row.timechanged) : ''),
        textElement(
          `${prefix}CredTimeAdminLockout`,
          row && row.timeadminlockout > 0 ? clockTime(row.timeadminlockout) : '',
        ),
        textElement(`${prefix}CredLockedByAdministrator`, yes(row?.lockedbyadministrator ?? 'f')),
      ]);
    },
    (writing, pkid, sent) => {
      for (const child of elements(sent)) {
        const value = textOf(child).trim();
        const column = FLAGS[child.local.slice(prefix.length)];
        if (column !== undefined) {
          writing.run(
            `UPDATE credential SET ${column} = ? WHERE fk${owner} = ? AND tkcredential = ?`,
            parseFlag(child.local, value) ? 't' : 'f',
            pkid,
            kind,
          );
        } else if (child.local === `${prefix}CredPolicyName` && value !== '') {
          const policy = writing.get<{ pkid: string }>(
            'SELECT pkid FROM credentialpolicy WHERE name = ? COLLATE NOCASE',
            value,
          );
          if (!policy) throw notFound('CredentialPolicy');
          writing.run(
            `UPDATE credential SET fkcredentialpolicy = ? WHERE fk${owner} = ? AND tkcredential = ?`,
            policy.pkid,
            pkid,
            kind,
          );
        }
      }
    },
  );
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
