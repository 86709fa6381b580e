import type { FeedBatch } from '../../../ids/change-feed.ts';
import type { WatchedTable } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import { RccError } from '../errors.ts';
import { isSameName } from '../selection/select-device.ts';
import type { Selections } from '../selections.ts';
import { requireAssigned, userOfPkid } from '../users.ts';
import type { LiveSession } from './live-session.ts';
import type { Sessions } from './sessions.ts';

/** What decides whether a session may go on. */
export const FOLLOWED_TABLES = [
  'enduser',
  'enduserdirgroupmap',
  'dirgroup',
  'device',
  'numplan',
  'devicenumplanmap',
  'enduserdevicemap',
] as const satisfies WatchedTable[];

/**
 * Ends the sessions of users who may not drive their phone any more, by what the IDS says now. Another choice, or a
 * better phone, ends none.
 */
export function createSessionGuard(needs: {
  readonly ids: Ids;
  readonly sessions: Sessions;
  readonly selections: Selections;
}): { apply(batch: FeedBatch): Promise<string> } {
  const mayGoOn = async ({ user, csta }: LiveSession): Promise<boolean> => {
    try {
      const present = await userOfPkid(needs.ids.read, user.pkid);
      await requireAssigned(needs.ids.read, present);
      const driven = csta.line?.address;
      if (driven === undefined) return true;
      return (await needs.selections.appearances(present)).some(
        ({ device, line, partition }) =>
          isSameName(device, driven.device) && line === driven.number && partition === driven.partition,
      );
    } catch (error) {
      if (error instanceof RccError) return false;
      throw error;
    }
  };

  return {
    async apply() {
      let ended = 0;
      for (const session of [...needs.sessions]) {
        if (session.state === 'signing-in' || (await mayGoOn(session))) continue;
        void session.end('the user may not drive the phone any more', true);
        ended += 1;
      }
      return ended === 0 ? '' : `ended ${ended} session${ended === 1 ? '' : 's'}`;
    },
  };
}
