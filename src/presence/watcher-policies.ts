import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Change } from '../ids/change-feed.ts';
import type { Database, WatchedTable } from '../ids/database.ts';
import { resolveParameters } from '../rpc/handover/parameters.ts';
import { ENGINE_PARAMETERS } from '../rpc/presence-engine/parameters.ts';
import type { AclEntry, AdministratorRules, PrivacyChoice, WatcherPolicy, WatcherRule } from './watcher-permission.ts';

/** Tables of the IDS that decide who may see whom. */
export const POLICY_TABLES = [
  'peuriacl',
  'presencerule',
  'enduserproperty',
  'rosteritem',
  'serviceparameter',
] as const satisfies WatchedTable[];

/** Of the parameters of the Presence Engine those that bound who may see whom. */
const { availabilitySharing, authorizeWithoutPrompt } = ENGINE_PARAMETERS;
const RULES = { availabilitySharing, authorizeWithoutPrompt };
const RULE_NAMES: ReadonlySet<string> = new Set(Object.keys(RULES).map((name) => name.toLowerCase()));
const ENGINE = 'presence-engine';
/** Joins the columns of a key in the change log. */
const KEY_SEPARATOR = '\u001f';

/** Whether it is the administrator who now allows otherwise: everybody may see others then. */
export function changesForAll({ table, key }: Pick<Change, 'table' | 'key'>): boolean {
  if (table !== 'serviceparameter') return false;
  const parts = key.split(KEY_SEPARATOR);
  return parts.includes(ENGINE) && parts.some((part) => RULE_NAMES.has(part.toLowerCase()));
}

/** What the administrator allows the cluster; what cannot be read counts as not set. */
export async function readAdministratorRules(db: Kysely<Database>): Promise<AdministratorRules> {
  const rows = await db
    .selectFrom('serviceparameter')
    .selectAll()
    .where('service', '=', ENGINE)
    .where('node', '=', '')
    .execute();
  return resolveParameters(RULES, rows, '', undefined).values;
}

/** A user whose policy is asked for. */
export interface PolicySubject {
  /** Key of the user in the IDS. */
  readonly pkid: string;
  /** Bare address, in any case. */
  readonly address: string;
}

/** SQLite takes a limited number of values in one statement. */
const USERS_PER_QUERY = 400;

/** Settings of who has set none. */
const DEFAULT_PRIVACY: WatcherPolicy['privacy'] = { allowContacts: true, internal: 'allow', external: 'ask' };
const PRIVACY_PROPERTIES = ['Privacy.AllowContacts', 'Privacy.Internal', 'Privacy.External'] as const;

const watchersSchema = z.array(
  z.object({ type: z.enum(['user', 'domain', 'internal', 'external', 'any']), value: z.string() }),
);

/**
 * The policies of many users towards one watcher, by the users' pkids. Of contact lists only the watcher's entry is read.
 * @param administrator what the administrator allows; absent: read as well
 */
export async function readWatcherPolicies(
  db: Kysely<Database>,
  users: readonly PolicySubject[],
  watchers: readonly string[],
  administrator?: AdministratorRules,
): Promise<ReadonlyMap<string, WatcherPolicy>> {
  const allowed = administrator ?? (await readAdministratorRules(db));
  const policies = new Map<string, WatcherPolicy>();
  for (let from = 0; from < users.length; from += USERS_PER_QUERY) {
    const page = users.slice(from, from + USERS_PER_QUERY);
    const pkids = page.map(({ pkid }) => pkid);
    const acl = groupBy(await db.selectFrom('peuriacl').selectAll().where('fkenduser', 'in', pkids).execute());
    const rules = groupBy(
      await db.selectFrom('presencerule').selectAll().where('fkenduser', 'in', pkids).orderBy('position').execute(),
    );
    const properties = groupBy(
      await db
        .selectFrom('enduserproperty')
        .selectAll()
        .where('fkenduser', 'in', pkids)
        .where('name', 'in', PRIVACY_PROPERTIES)
        .execute(),
    );
    const contacts = await readContacts(db, pkids, watchers);
    for (const { pkid, address } of page) {
      policies.set(pkid, {
        presentity: address.toLowerCase(),
        acl: (acl.get(pkid) ?? []).map(({ watcher, type, policy }): AclEntry => ({ watcher, type, policy })),
        rules: (rules.get(pkid) ?? []).map(
          ({ enabled, watchers: kept, policy }): WatcherRule => ({
            isEnabled: enabled === 1,
            watchers: watchersSchema.parse(JSON.parse(kept)),
            policy,
          }),
        ),
        privacy: privacyOf(properties.get(pkid) ?? []),
        isContact: (watcher) => contacts.has(`${pkid} ${watcher}`),
        administrator: allowed,
      });
    }
  }
  return policies;
}

/** `<pkid> <watcher>` of the watchers who stand on the users' contact lists. */
async function readContacts(
  db: Kysely<Database>,
  pkids: readonly string[],
  watchers: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let from = 0; from < watchers.length; from += USERS_PER_QUERY) {
    const names = watchers.slice(from, from + USERS_PER_QUERY).map((watcher) => watcher.split('@')[0] as string);
    const rows = await db
      .selectFrom('rosteritem')
      .select(['fkenduser', 'contactuser', 'contactdomain'])
      .where('fkenduser', 'in', pkids)
      .where((eb) => eb(eb.fn<string>('lower', ['contactuser']), 'in', names))
      .execute();
    for (const row of rows) {
      found.add(`${row.fkenduser} ${row.contactuser.toLowerCase()}@${row.contactdomain.toLowerCase()}`);
    }
  }
  return found;
}

function privacyOf(rows: readonly { readonly name: string; readonly value: string }[]): WatcherPolicy['privacy'] {
  if (rows.length === 0) return DEFAULT_PRIVACY;
  const set = new Map(rows.map(({ name, value }) => [name, value]));
  const choice = (name: string, fallback: PrivacyChoice): PrivacyChoice => {
    const value = set.get(name);
    return value === 'allow' || value === 'deny' || value === 'ask' ? value : fallback;
  };
  const contacts = set.get('Privacy.AllowContacts');
  return {
    allowContacts: contacts === undefined ? DEFAULT_PRIVACY.allowContacts : contacts === 'TRUE',
    internal: choice('Privacy.Internal', DEFAULT_PRIVACY.internal),
    external: choice('Privacy.External', DEFAULT_PRIVACY.external),
  };
}

function groupBy<Row extends { readonly fkenduser: string }>(rows: readonly Row[]): ReadonlyMap<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.fkenduser);
    if (group) group.push(row);
    else groups.set(row.fkenduser, [row]);
  }
  return groups;
}
