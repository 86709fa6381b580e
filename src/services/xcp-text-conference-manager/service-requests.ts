import type { XmlElement } from '../../xml/element.ts';
import { attribute } from '../../xml/element.ts';
import {
  el,
  type Iq,
  iqResult,
  NS,
  pageOf,
  readPageRequest,
  StanzaError,
  withChildren,
  writeDiscoInfo,
  writeDiscoItems,
  writePage,
} from '../../xmpp/xmpp.ts';
import { roomName } from './room/room-discovery.ts';
import { uniqueRoomName } from './room-ids.ts';
import type { ListedRoom, Rooms } from './rooms.ts';

/** Rooms on one page of the list, where no fewer are asked for: a stanza has its limit. */
const PAGE = 500;

/** Answers a request to the service itself (XEP-0045 6.2, 6.3, 10.1.4). @throws StanzaError */
export function answerService(request: Iq, rooms: Rooms): XmlElement {
  const { payload, type } = request;
  if (payload !== null && type === 'get') {
    const { uri } = payload;
    if (attribute(payload, 'node') && (uri === NS.discoInfo || uri === NS.discoItems)) {
      throw new StanzaError('item-not-found', 'there is no such node');
    }
    if (uri === NS.discoInfo) return iqResult(request, serviceInfo());
    if (uri === NS.discoItems) return iqResult(request, roomList(payload, rooms));
    if (uri === NS.ping) return iqResult(request);
    if (uri === NS.mucUnique) return iqResult(request, el(NS.mucUnique, 'unique', {}, uniqueRoomName()));
  }
  throw new StanzaError('service-unavailable', '');
}

function serviceInfo(): XmlElement {
  return writeDiscoInfo({
    identities: [{ category: 'conference', type: 'text', name: 'Chat rooms' }],
    features: [NS.muc, NS.mucUnique, NS.discoItems, NS.rsm, NS.ping, NS.stanzaIds],
  });
}

function roomList(query: XmlElement, rooms: Rooms): XmlElement {
  const shown = rooms.list().filter(({ config }) => config.isPublic);
  const asked = readPageRequest(query);
  const idOf = ({ jid }: ListedRoom): string => jid.bare;
  const page = pageOf(shown, idOf, asked ?? { max: null, after: null, before: null, index: null }, PAGE);
  const items = writeDiscoItems(page.items.map((room) => ({ jid: room.jid, name: roomName(room) })));
  if (asked === undefined && page.isLast) return items;
  return withChildren(items, [...items.children, writePage(page, idOf)]);
}
