import type { Ids } from '../ids/ids.ts';
import type { ActivationStore } from '../platform/supervisor.ts';

/** Which feature services of a node are activated: rows of the IDS, read once, written through. */
export async function loadActivations(ids: Ids, node: string): Promise<ActivationStore> {
  const rows = await ids.read.selectFrom('serviceactivation').where('node', '=', node).selectAll().execute();
  const activated = new Set(rows.filter((row) => row.activated === 1).map((row) => row.service));
  return {
    isActivated: (service) => activated.has(service),
    async save(service, isActivated) {
      const row = { node, service, activated: isActivated ? 1 : 0 };
      await ids.transaction('administrator', async (trx) => {
        await trx
          .insertInto('serviceactivation')
          .values(row)
          .onConflict((conflict) => conflict.columns(['node', 'service']).doUpdateSet({ activated: row.activated }))
          .execute();
      });
      if (isActivated) activated.add(service);
      else activated.delete(service);
    },
  };
}
