import type { Kysely } from 'kysely';
import type { Database } from '../ids/database.ts';
import type { Ids } from '../ids/ids.ts';
import { ImpError } from '../platform/errors.ts';
import type { LoginThrottle } from './login-throttle.ts';

/** `read` sees everything, `operate` changes as well. */
export type AdministratorRole = 'read' | 'operate';

export interface Administrator {
  /** As CUCM writes it. */
  readonly name: string;
  readonly role: AdministratorRole;
}

export type AdministratorRefusal = 'login-failed' | 'no-rights' | 'too-many-attempts';

export type AdministratorOutcome =
  | { readonly kind: 'administrator'; readonly administrator: Administrator }
  | { readonly kind: 'refused'; readonly refusal: AdministratorRefusal };

/** Access control groups of CUCM whose application users administer the node, by role. */
export type AdministratorGroups = Readonly<Record<AdministratorRole, readonly string[]>>;

/** Tells whether somebody may administer the node (docs/sign-in.md). */
export interface Administrators {
  /** @throws ImpError `sign-in.credentials-away` when nobody can tell now */
  byPassword(name: string, password: string, address: string): Promise<AdministratorOutcome>;
  /** What an application user may do now; undefined: nothing any more. */
  find(name: string): Promise<Administrator | undefined>;
}

export interface AdministratorsNeeds {
  readonly ids: Ids;
  /** CUCM's judgement of a name and a password. */
  readonly credentials: {
    check(kind: 'applicationuser', userid: string, password: string): Promise<'match' | 'mismatch' | 'unavailable'>;
  };
  readonly throttle: LoginThrottle;
  readonly groups: AdministratorGroups;
}

/** The password is checked before anything is said about a name, so that names cannot be probed. */
export function createAdministrators({ ids, credentials, throttle, groups }: AdministratorsNeeds): Administrators {
  const find = (name: string): Promise<Administrator | undefined> => administratorOf(ids.read, groups, name);
  const refused = (refusal: AdministratorRefusal): AdministratorOutcome => ({ kind: 'refused', refusal });
  return {
    find,
    async byPassword(name, password, address) {
      const attempt = await throttle.begin(name, address);
      if (!attempt) return refused('too-many-attempts');
      let answer: 'match' | 'mismatch' | 'unavailable' = 'unavailable';
      try {
        answer = await credentials.check('applicationuser', name, password);
      } finally {
        if (answer === 'mismatch') attempt.count();
        else attempt.forgive();
      }
      if (answer === 'unavailable') {
        throw new ImpError('unavailable', 'sign-in.credentials-away', 'passwords cannot be checked now');
      }
      if (answer === 'mismatch') return refused('login-failed');
      const administrator = await find(name);
      return administrator ? { kind: 'administrator', administrator } : refused('no-rights');
    },
  };
}

async function administratorOf(
  db: Kysely<Database>,
  groups: AdministratorGroups,
  name: string,
): Promise<Administrator | undefined> {
  const rows = await db
    .selectFrom('applicationuser as user')
    .innerJoin('applicationuserdirgroupmap as membership', 'membership.fkapplicationuser', 'user.pkid')
    .innerJoin('dirgroup', 'dirgroup.pkid', 'membership.fkdirgroup')
    .select(['user.name as name', 'dirgroup.name as group'])
    .where((eb) => eb(eb.fn<string>('lower', ['user.name']), '=', name.toLowerCase()))
    .where('user.deletedat', 'is', null)
    .where('dirgroup.deletedat', 'is', null)
    .execute();
  const role = (['operate', 'read'] as const).find((each) => rows.some((row) => groups[each].includes(row.group)));
  const found = rows[0];
  return role && found ? { name: found.name, role } : undefined;
}
