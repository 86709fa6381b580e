import { attribute, element, textOf } from '../../../xml/element.ts';
import {
  type DiscoInfo,
  formTypeField,
  type Iq,
  iqResult,
  NS,
  StanzaError,
  writeDiscoInfo,
  writeDiscoItems,
} from '../../../xmpp/xmpp.ts';
import { occupantBy, occupantOfUser, type RoomStanza, type RoomState, type Step } from './room-state.ts';

/** Features of every room. */
const ROOM_FEATURES = [
  NS.muc,
  NS.discoItems,
  NS.ping,
  NS.stanzaIds,
  // XEP-0045 18.1 and XEP-0410 3.2.
  'http://jabber.org/protocol/muc#stable_id',
  'http://jabber.org/protocol/muc#self-ping-optimization',
  'http://jabber.org/protocol/muc#request',
];

/** What a room is (XEP-0045 6.4, 15.3). */
export function roomInfo(state: RoomState): DiscoInfo {
  const { config } = state;
  const said = (name: string, ...values: readonly string[]) => ({ name, values });
  return {
    identities: [{ category: 'conference', type: 'text', name: roomName(state) }],
    features: [
      ...ROOM_FEATURES,
      config.isPublic ? 'muc_public' : 'muc_hidden',
      config.isMembersOnly ? 'muc_membersonly' : 'muc_open',
      config.isModerated ? 'muc_moderated' : 'muc_unmoderated',
      config.whois === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous',
      config.password === null ? 'muc_unsecured' : 'muc_passwordprotected',
      config.isPersistent ? 'muc_persistent' : 'muc_temporary',
    ],
    forms: [
      {
        type: 'result',
        fields: [
          formTypeField('http://jabber.org/protocol/muc#roominfo'),
          said('muc#roominfo_description', config.description),
          said('muc#roominfo_occupants', String(state.occupants.size)),
          said('muc#roominfo_subject', subjectText(state)),
          said('muc#roominfo_changesubject', config.isSubjectOpen ? '1' : '0'),
          said('muc#maxhistoryfetch', String(config.historyLength)),
        ],
      },
    ],
  };
}

export function roomName({ config, jid }: Pick<RoomState, 'config' | 'jid'>): string {
  return config.name === '' ? (jid.local ?? '') : config.name;
}

function subjectText({ subject }: RoomState): string {
  const found = subject === null ? undefined : element(subject.element, 'subject', NS.client);
  return found === undefined ? '' : textOf(found);
}

/** Answers service discovery of a room (XEP-0045 6.4, 6.5, 7.12). */
export function discover(state: RoomState, request: RoomStanza<Iq>): Step {
  const { payload, from } = request;
  const node = payload === null ? undefined : attribute(payload, 'node');
  if (payload?.uri === NS.discoInfo) {
    if (node === undefined || node === '') return answer(state, request, writeDiscoInfo(roomInfo(state)));
    if (node !== 'x-roomuser-item') throw new StanzaError('item-not-found', 'there is no such node');
    // XEP-0045 7.12: the nickname under which the room knows who asks.
    const name = occupantOfUser(state, from)?.nick;
    const identities = name === undefined ? [] : [{ category: 'conference', type: 'text', name }];
    return answer(state, request, writeDiscoInfo({ identities, features: [] }, node));
  }
  // XEP-0045 6.5: who is in a hidden room is for those in it to know.
  const isShown = state.config.isPublic || occupantBy(state, from) !== undefined;
  const items = isShown ? [...state.occupants.values()].map(({ jid }) => ({ jid })) : [];
  return answer(state, request, writeDiscoItems(items, node));
}

function answer(state: RoomState, request: RoomStanza<Iq>, payload: Parameters<typeof iqResult>[1] & object): Step {
  return { state, sends: [iqResult(request, payload)] };
}
