import type { Ids, Origin } from '../ids/ids.ts';
import { ImpError } from '../platform/errors.ts';
import { digestHa1 } from '../sip/digest/algorithms.ts';

export interface SipPassword {
  /** As CUCM writes it: the digest is made of this form. */
  readonly userid: string;
  readonly password: string;
}

/** Rows of one statement: SQLite takes 32,766 parameters at most. */
const ROWS_PER_STATEMENT = 1_000;

/**
 * Sets what users prove themselves with over SIP. Kept are H(A1) for MD5 and SHA-256, made for the default domain,
 * which is the proxy's realm.
 * @throws ImpError `sip-credentials.no-domain` while there is no default domain
 */
export async function setSipCredentials(ids: Ids, origin: Origin, users: readonly SipPassword[]): Promise<void> {
  const realm = await realmOf(ids);
  const rows = users.map(({ userid, password }) => ({
    userid: userid.toLowerCase(),
    username: userid,
    realm,
    ha1md5: digestHa1('MD5', userid, realm, password),
    ha1sha256: digestHa1('SHA-256', userid, realm, password),
  }));
  await ids.transaction(origin, async (trx) => {
    for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
      await trx
        .insertInto('sipcredential')
        .values(rows.slice(from, from + ROWS_PER_STATEMENT))
        .onConflict((conflict) =>
          conflict.column('userid').doUpdateSet(({ ref }) => ({
            username: ref('excluded.username'),
            realm: ref('excluded.realm'),
            ha1md5: ref('excluded.ha1md5'),
            ha1sha256: ref('excluded.ha1sha256'),
          })),
        )
        .execute();
    }
  });
}

/** The domain that digests are made for. */
async function realmOf(ids: Ids): Promise<string> {
  const row = await ids.read.selectFrom('imdomain').select('domain').where('isdefault', '=', 1).executeTakeFirst();
  if (row !== undefined) return row.domain.toLowerCase();
  throw new ImpError('conflict', 'sip-credentials.no-domain', 'there is no default domain to make credentials for');
}
