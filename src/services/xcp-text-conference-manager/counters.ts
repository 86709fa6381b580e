import type { Metrics } from '../../platform/metrics.ts';

/** Counters by the names that administrators know (docs/services/xcp-text-conference-manager.md). */
export type ConferenceCounters = ReturnType<typeof createConferenceCounters>;

export function createConferenceCounters(metrics: Metrics) {
  const counter = (name: string, help: string) => metrics.counter(name, help);
  const gauge = (name: string, help: string) => metrics.gauge(name, help);
  return {
    total: gauge('TcTotalRooms', 'Rooms now'),
    adhoc: gauge('TcAdhocRooms', 'Rooms now that die with their last occupant'),
    persistent: gauge('TcPersistentRooms', 'Rooms now that are kept when nobody is in them'),
    occupants: gauge('TCRoomNumOccupants', 'Occupants of all rooms together'),
    created: counter('TcCreatedRooms', 'Rooms created since the node started'),
    deleted: counter('TcDeletedRooms', 'Rooms ended since the node started'),
    stanzas: counter('TCRoomStanzas', 'Stanzas that rooms have handled since the node started'),
    messagesIn: counter('TcMessagesIn', 'Messages of occupants to a room since the node started'),
    messagesOut: counter('TcMessagesOut', 'Messages sent to occupants since the node started'),
    messagesPersisted: counter('TcMessagesPersisted', 'Messages of persistent rooms stored since the node started'),
    messagesIgnored: counter('TcMessagesIgnored', 'Messages refused since the node started'),
    directedIn: counter('TcDirectedMessagesIn', 'Private messages through a room since the node started'),
  };
}
