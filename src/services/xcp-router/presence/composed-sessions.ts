import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { composedXmppPresence, xmppSource } from '../../../presence/xmpp-presence.ts';
import type { XmlElement } from '../../../xml/element.ts';
import { serialise } from '../../../xml/serialise.ts';
import { el, jidOf, jidOfAddress, NS, presence } from '../../../xmpp/xmpp.ts';
import type { PresenceChange, PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { LocalUser } from '../components/component.ts';
import type { Sdns } from '../sdns/sdns.ts';

/** The resource under which contacts see what phones, calendars, SIP and applications say of a user. */
export const COMPOSED = 'composed';

/** Users whose composed session is remembered; one that is forgotten is told anew. */
const MOST = 100_000;

/**
 * The composed session of a user: present while something other than XMPP says something about the user, and saying
 * what all sources together come to (docs/presence-composition.md).
 */
export function createComposedSessions(needs: {
  readonly presenceDatastore: PresenceDatastore;
  readonly sdns: Sdns;
  readonly changed: (user: LocalUser, said: XmlElement) => Promise<void>;
}) {
  const { presenceDatastore, sdns } = needs;
  /** What contacts were told last, by address; who is not there was told nothing. */
  const told = new Map<string, string>();

  const of = async (user: LocalUser): Promise<XmlElement | undefined> => {
    const said = await presenceDatastore.publicationsOf(user.address, PRESENCE_EVENT);
    if (said.every(({ kind }) => kind === 'xmpp')) return undefined;
    const { isAvailable, show, status } = composedXmppPresence(user.address, said);
    if (!isAvailable) return undefined;
    return presence(
      { from: jidOf(user.jid.local, user.jid.domain, COMPOSED) },
      ...(show === '' ? [] : [el(NS.client, 'show', {}, show)]),
      ...(status === '' ? [] : [el(NS.client, 'status', {}, status)]),
    );
  };

  return {
    of,
    /** Something was said of a user. */
    async presenceChanged({ presentity, event, source }: PresenceChange): Promise<void> {
      if (event !== PRESENCE_EVENT) return;
      const before = told.get(presentity);
      // XMPP alone makes no composed session; beside other sources it may change what they come to.
      if (source.startsWith(xmppSource('')) && before === undefined) return;
      const jid = jidOfAddress(presentity);
      const place = jid === undefined ? undefined : await sdns.lookup(jid);
      if (place?.kind !== 'local') return;
      const said = await of(place.user);
      const text = said === undefined ? undefined : serialise(said);
      if (text === told.get(presentity)) return;
      if (text === undefined) told.delete(presentity);
      else {
        if (told.size >= MOST) told.delete(told.keys().next().value ?? '');
        told.set(presentity, text);
      }
      const { local, domain } = place.user.jid;
      const gone = presence({ from: jidOf(local, domain, COMPOSED), type: 'unavailable' });
      await needs.changed(place.user, said ?? gone);
    },
  };
}
