import { NOBODY, type Pidf } from '../pidf/pidf.ts';
import { activityOf, type BasicState, basicStateOf } from './basic-state.ts';
import { composePresence } from './compose.ts';
import { PRESENCE_EVENT, type Publication } from './publication.ts';

/** RFC 6121 4.7.2.1; '' is a presence without `show`: available. */
export type XmppShow = '' | 'chat' | 'away' | 'xa' | 'dnd';

/** What a resource that is available says of itself (RFC 6121 4.7). One that is not has no publication. */
export interface XmppResourcePresence {
  /** Bare JID in lower case, as the Presence Datastore knows users: no resource, nothing escaped. */
  readonly presentity: string;
  readonly resource: string;
  readonly show: XmppShow;
  /** Custom text; '' when there is none. Of several languages the stream's. */
  readonly status: string;
  /** -128 to 127. */
  readonly priority: number;
  /** The client has told since when nobody has touched it (XEP-0319). */
  readonly isIdle: boolean;
  /** What the client can do, as far as it is known: features of service discovery (XEP-0030, XEP-0115). */
  readonly features: readonly string[];
}

/** What the composed session of a user says to XMPP contacts. */
export interface ComposedXmppPresence {
  /** False: `type="unavailable"`. */
  readonly isAvailable: boolean;
  readonly show: XmppShow;
  readonly status: string;
}

const ACTIVITY_OF_SHOW: Readonly<Record<XmppShow, string>> = {
  '': activityOf('AVAILABLE'),
  chat: activityOf('AVAILABLE'),
  away: activityOf('AWAY'),
  xa: activityOf('AWAY'),
  dnd: activityOf('DND'),
};

/** `dnd` is XMPP's one word for who is busy; what makes somebody busy stands in the text. */
const SHOW_OF_STATE: Readonly<Record<BasicState, XmppShow>> = {
  AVAILABLE: '',
  BUSY: 'dnd',
  DND: 'dnd',
  AWAY: 'away',
  UNAVAILABLE: '',
  VACATION: 'xa',
};

/** What is told where the user has written nothing; the first activity that stands here. */
const TEXT_OF_ACTIVITY: ReadonlyMap<string, string> = new Map([
  ['on-the-phone', 'On the phone'],
  ['meeting', 'In a meeting'],
  ['vacation', 'Out of office'],
]);

/** Features by which a client says that it takes calls (XEP-0167). */
const ABILITY_OF_FEATURE: ReadonlyMap<string, string> = new Map([
  ['urn:xmpp:jingle:apps:rtp:audio', 'audio'],
  ['urn:xmpp:jingle:apps:rtp:video', 'video'],
]);

/** Names a resource among the sources of its user. */
export function xmppSource(resource: string): string {
  return `xmpp/${resource}`;
}

/**
 * The row of the Presence Datastore for a resource: to be published with `STANDING_PUBLICATION`, and taken back by
 * `xmppSource` when it is available no more (docs/presence-composition.md).
 * @param publishedAt when the client said so, in milliseconds since the epoch; the same when it is said again to live on
 */
export function xmppPublication(said: XmppResourcePresence, publishedAt: number): Publication {
  const { presentity, resource, show, status, priority, isIdle, features } = said;
  const userInput = isIdle ? 'idle' : '';
  const abilities = new Set(features.flatMap((feature) => ABILITY_OF_FEATURE.get(feature) ?? []));
  // RFC 6121 8.5.2.1: a resource of negative priority gets no messages for the user.
  if (priority >= 0) abilities.add('text');
  return {
    presentity,
    event: PRESENCE_EVENT,
    source: xmppSource(resource),
    kind: 'xmpp',
    sessionId: '',
    document: {
      entity: `sip:${presentity}`,
      person: {
        ...NOBODY,
        id: presentity.slice(0, presentity.lastIndexOf('@')),
        activities: [ACTIVITY_OF_SHOW[show]],
        userInput,
        note: status,
      },
      tuples: [
        {
          id: resource,
          basic: 'open',
          contact: { uri: `im:${presentity}`, priority: priority < 0 ? '' : (priority / 127).toFixed(3) },
          abilities: [...abilities].sort().map((name) => ({ name, value: 'true' })),
          userInput,
          source: '',
          note: status,
        },
      ],
    },
    publishedAt,
    priority,
  };
}

/** What XMPP contacts are told by a user's composed session. */
export function composedXmppPresence(presentity: string, publications: readonly Publication[]): ComposedXmppPresence {
  return toXmppPresence(composePresence(presentity, publications));
}

/** A composed document in the words of XMPP. */
export function toXmppPresence(document: Pidf): ComposedXmppPresence {
  const state = basicStateOf(document);
  const { note = '', activities = [] } = document.person ?? {};
  const said = activities.map((activity) => TEXT_OF_ACTIVITY.get(activity)).find((text) => text !== undefined);
  return { isAvailable: state !== 'UNAVAILABLE', show: SHOW_OF_STATE[state], status: note || (said ?? '') };
}
