import { dialogId } from '../../../sip/dialog/dialog.ts';
import type { LiveSession } from './live-session.ts';

/** Sessions by dialog, and those whose INVITE is still worked on. */
export interface Sessions extends Iterable<LiveSession> {
  add(session: LiveSession): void;
  /** It has a dialog from now on. */
  index(session: LiveSession): void;
  find(id: string | undefined): LiveSession | undefined;
  remove(session: LiveSession): void;
  /** Of one user, the oldest first. */
  ofUser(pkid: string): readonly LiveSession[];
  readonly size: number;
}

export function createSessions(): Sessions {
  const all = new Set<LiveSession>();
  const byDialog = new Map<string, LiveSession>();
  const idOf = ({ dialog }: LiveSession): string | undefined =>
    dialog && dialogId(dialog.callId, dialog.localTag, dialog.remoteTag);
  return {
    add: (session) => void all.add(session),
    index(session) {
      const id = idOf(session);
      if (id !== undefined) byDialog.set(id, session);
    },
    find: (id) => (id === undefined ? undefined : byDialog.get(id)),
    remove(session) {
      all.delete(session);
      const id = idOf(session);
      if (id !== undefined) byDialog.delete(id);
    },
    ofUser: (pkid) => [...all].filter(({ user }) => user.pkid === pkid),
    get size() {
      return all.size;
    },
    [Symbol.iterator]: () => all.values(),
  };
}
