import { element, type Markup, textElement } from '../../xml/write.ts';
import type { ClientSession } from '../login-datastore/login-datastore.ts';
import { properties } from './answers.ts';
import { readSystemConfig } from './config/system-config.ts';
import { readUserConfig } from './config/user-config.ts';
import { readContactRows, writeContactRows } from './contacts/contact-list.ts';
import { contactKey } from './contacts/names-of-contacts.ts';
import type { OperationNeeds } from './operation.ts';
import type { PersonaId } from './read-request.ts';

/*
 * What stands inside the answers that both `get-all-config` and an operation of their own give.
 */

export type AuthPolicy = 'all' | 'allow' | 'block';

export async function systemConfig(needs: OperationNeeds): Promise<readonly Markup[]> {
  return properties(await readSystemConfig(needs.ids.read, needs.domain));
}

export async function userConfig(needs: OperationNeeds, session: ClientSession): Promise<readonly Markup[]> {
  return properties(await readUserConfig(needs.ids.read, session.userPkid));
}

export async function federatedDomains(needs: OperationNeeds, policy: AuthPolicy): Promise<readonly Markup[]> {
  let query = needs.ids.read.selectFrom('federateddomain').selectAll().orderBy('domain');
  if (policy !== 'all') query = query.where('policy', '=', policy);
  return (await query.execute()).map((row) =>
    element('e:federated-domain', { name: row.domain, 'auth-policy': row.policy, protocol: row.protocol }),
  );
}

/** The groups that hold contacts without presence, with just those. */
export async function nonPresenceAwareContacts(
  needs: OperationNeeds,
  session: ClientSession,
): Promise<readonly Markup[]> {
  const rows = await readContactRows(needs.ids.read, session.userPkid);
  return [writeContactRows(rows.filter(({ presenceaware }) => presenceaware === 0))];
}

/** Details of the contacts asked for, or of all. */
export async function contactInfo(
  needs: OperationNeeds,
  session: ClientSession,
  wanted: readonly PersonaId[],
): Promise<readonly Markup[]> {
  const rows = await needs.ids.read
    .selectFrom('contactinfo')
    .selectAll()
    .where('fkenduser', '=', session.userPkid)
    .orderBy('contactdomain')
    .orderBy('contactuser')
    .orderBy('name')
    .execute();
  const keys = new Set(wanted.map(({ user, domain }) => contactKey(user, domain)));
  const byContact = new Map<string, typeof rows>();
  for (const row of rows) {
    const key = contactKey(row.contactuser, row.contactdomain);
    if (keys.size > 0 && !keys.has(key)) continue;
    byContact.set(key, [...(byContact.get(key) ?? []), row]);
  }
  const written: Markup[] = [];
  for (const [first, ...others] of byContact.values()) {
    if (!first) continue;
    written.push(
      element(
        'e:contact-info',
        { user: first.contactuser, domain: first.contactdomain },
        ...[first, ...others].map(({ name, value }) => textElement('e:property', value, { name })),
      ),
    );
  }
  return written;
}
