import type { Ids } from '../ids/ids.ts';
import { ImpError } from '../platform/errors.ts';

/** The product's name for the group that a new cluster begins with. */
const FIRST_GROUP = 'DefaultCUPSubcluster';

export interface OwnNode {
  readonly name: string;
  readonly address: string;
  readonly domain: string;
  readonly version: string;
  readonly isPublisher: boolean;
}

/**
 * Writes this node, its redundancy group and the default domain into the IDS; nothing when they stand there already. The
 * embedded database holds one node: users assigned to another name would be served by nobody.
 * @throws ImpError `node.renamed`
 */
export async function ensureOwnTopology(ids: Ids, own: OwnNode): Promise<{ readonly isFirstStart: boolean }> {
  return await ids.transaction('node', async (trx) => {
    const known = await trx.selectFrom('enterprisenode').where('name', '=', own.name).selectAll().executeTakeFirst();
    const group = await trx.selectFrom('enterprisesubcluster').selectAll().orderBy('id').executeTakeFirst();
    const others = known ? [] : await trx.selectFrom('enterprisenode').select('name').execute();
    if (others.length > 0) {
      throw new ImpError(
        'conflict',
        'node.renamed',
        `the data folder belongs to node ${others.map((each) => each.name).join(', ')}, and this one is called ` +
          `${own.name}: start it under its name, or name another folder with --data`,
      );
    }
    const subclusterid = known?.subclusterid ?? group?.id ?? 1;
    if (!group) {
      await trx
        .insertInto('enterprisesubcluster')
        .values({ id: 1, name: FIRST_GROUP, description: 'Made at the first start', haenabled: 0 })
        .execute();
    }
    const fields = { address: own.address, version: own.version, isprimary: own.isPublisher ? 1 : 0 };
    if (known) {
      await trx.updateTable('enterprisenode').set(fields).where('id', '=', known.id).execute();
    } else {
      const last = await trx.selectFrom('enterprisenode').select('id').orderBy('id', 'desc').executeTakeFirst();
      await trx
        .insertInto('enterprisenode')
        .values({ id: (last?.id ?? 0) + 1, name: own.name, subclusterid, tkhaserverstate: 0, hareason: '', ...fields })
        .execute();
    }
    const defaults = await trx.selectFrom('imdomain').where('isdefault', '=', 1).selectAll().executeTakeFirst();
    if (!defaults) {
      await trx
        .insertInto('imdomain')
        .values({ domain: own.domain, isdefault: 1, isadminmanaged: 1 })
        .onConflict((conflict) => conflict.column('domain').doUpdateSet({ isdefault: 1, isadminmanaged: 1 }))
        .execute();
    }
    return { isFirstStart: known === undefined };
  });
}
