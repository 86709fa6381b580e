import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { jidOfAddress, StreamError, seeOtherHost } from '../../../xmpp/xmpp.ts';
import type { RouteChange } from '../../route-datastore/route-datastore.ts';
import type { Sdns } from '../sdns/sdns.ts';
import type { Account, Accounts } from './account.ts';
import type { ClientStreams } from './client-streams.ts';

/** Whoever is served elsewhere from now on is told where, and whoever is nobody any more is let go. */
export function createMovedUsers(needs: {
  readonly accounts: Accounts;
  readonly sdns: Sdns;
  readonly streams: ClientStreams;
  readonly log: Log;
}) {
  const { accounts, sdns, streams, log } = needs;

  const look = async (account: Account): Promise<void> => {
    const place = await sdns.lookup(account.user.jid);
    if (place.kind === 'local') return;
    const node = place.kind === 'node' ? place.node.address : place.kind === 'peer' ? place.node : '';
    const reason = node === '' ? new StreamError('not-authorized', 'no longer a user') : seeOtherHost(node);
    await streams.endUser(account.user.jid.bare, reason);
  };

  return {
    async changed(change: RouteChange): Promise<void> {
      try {
        if (change.kind === 'topology') {
          await sdns.readDomains();
          for (const account of [...accounts.all()]) await look(account);
          return;
        }
        for (const address of change.addresses) {
          const account = accounts.find(jidOfAddress(address)?.bare ?? '');
          if (account !== undefined) await look(account);
        }
      } catch (error) {
        // The Route Datastore is away: what has changed is looked at again when it is back, and tells everything anew.
        log.warn({ err: describeError(error) }, 'sessions could not be compared with where their users are served');
      }
    },
  };
}
