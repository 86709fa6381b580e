import { LRUCache } from 'lru-cache';
import type { ChangeFeed } from '../../../ids/change-feed.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { DigestSecret } from '../../../sip/digest/authenticator.ts';

/** Digest secrets of users, out of the IDS; what was read is remembered until it changes. */
export interface SipCredentials {
  /** H(A1) of the name as it was signed, or a preset password; undefined when the user has none for the realm. */
  secretOf(username: string, realm: string): Promise<DigestSecret | undefined>;
  /** Forgets what changes, until the signal is aborted. */
  follow(changeFeed: ChangeFeed, signal: AbortSignal): Promise<void>;
}

const MAX_REMEMBERED = 50_000;
const NOBODY = { secret: undefined, realm: '' } as const;

interface Remembered {
  readonly secret: DigestSecret | undefined;
  /** The one it was made for; undefined: good for each. */
  readonly realm: string | undefined;
}

/** What a user may prove themselves with who has nothing in the IDS, by user id in lower case; undefined for nobody. */
export type PresetPassword = (userid: string) => string | undefined;

export function createSipCredentials(ids: Ids, presetPassword?: PresetPassword): SipCredentials {
  const known = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED });
  /** Counts changes: what was read before one may be old, and is not remembered. */
  let changes = 0;

  /** The mock's generated users are many: their digests are made when they come, not when the node starts. */
  const readPreset = async (userid: string): Promise<Remembered> => {
    const password = presetPassword?.(userid);
    if (password === undefined) return NOBODY;
    const user = await ids.read
      .selectFrom('enduser')
      .select('userid')
      .where((eb) => eb(eb.fn<string>('lower', ['userid']), '=', userid))
      .where('deletedat', 'is', null)
      .where('peerclusterid', 'is', null)
      .executeTakeFirst();
    return user === undefined ? NOBODY : { secret: { password }, realm: undefined };
  };

  const read = async (userid: string): Promise<Remembered> => {
    const before = changes;
    const row = await ids.read.selectFrom('sipcredential').selectAll().where('userid', '=', userid).executeTakeFirst();
    const found: Remembered = row
      ? { secret: { ha1: { MD5: row.ha1md5, 'SHA-256': row.ha1sha256 } }, realm: row.realm }
      : await readPreset(userid);
    // Names that nobody has are not remembered: they are for anybody to make up.
    if (found !== NOBODY && changes === before) known.set(userid, found);
    return found;
  };

  return {
    async secretOf(username, realm) {
      const userid = username.toLowerCase();
      const found = known.get(userid) ?? (await read(userid));
      return found.realm === undefined || found.realm === realm ? found.secret : undefined;
    },
    follow: (changeFeed, signal) =>
      changeFeed.follow(
        { consumer: 'sip-proxy', tables: ['sipcredential'], start: 'snapshot', signal },
        async (batch) => {
          changes += 1;
          if (batch.kind === 'snapshot') {
            known.clear();
            return 'reads SIP credentials when they are asked for';
          }
          for (const { key } of batch.changes) known.delete(key);
          return `${batch.changes.length} SIP credentials read anew`;
        },
      ),
  };
}
