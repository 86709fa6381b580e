import type { Ids } from '../ids/ids.ts';
import type { LoginDatastore } from '../services/login-datastore/login-datastore.ts';
import type { UserMover } from '../services/server-recovery-manager/server-recovery-manager.ts';
import type { SipRegistrationDatastore } from '../services/sip-registration-datastore/sip-registration-datastore.ts';

/**
 * What a change of the serving node means to the stores (docs/services/server-recovery-manager.md): flows to phones end
 * with their node, sessions that a backup opened for its peer's users end when those go home.
 */
export function createUserMover(needs: {
  readonly ids: Ids;
  readonly loginDatastore: Pick<LoginDatastore, 'sessions' | 'end'>;
  readonly sipRegistrations: Pick<SipRegistrationDatastore, 'bindingsOfNode' | 'remove'>;
  readonly nodeName: string;
}): UserMover {
  const { ids, loginDatastore, sipRegistrations, nodeName } = needs;
  const nameOf = async (home: number): Promise<string | undefined> =>
    (await ids.read.selectFrom('enterprisenode').where('id', '=', home).select('name').executeTakeFirst())?.name;

  return {
    async take(home) {
      const name = await nameOf(home);
      if (name !== undefined && name !== nodeName) {
        for (const binding of await sipRegistrations.bindingsOfNode(name)) {
          if (binding.isBehindFlow) await sipRegistrations.remove(binding);
        }
      }
      const { users } = await ids.read
        .selectFrom('enduser')
        .where('primarynodeid', '=', home)
        .where('deletedat', 'is', null)
        .select(({ fn }) => fn.countAll<number>().as('users'))
        .executeTakeFirstOrThrow();
      return Number(users);
    },
    async leave(home) {
      const isBackup = (await nameOf(home)) !== nodeName;
      if (!isBackup) return;
      for await (const session of loginDatastore.sessions()) {
        if (session.homeNodeId === home && session.servedBy.node === nodeName) await loginDatastore.end(session);
      }
    },
  };
}
