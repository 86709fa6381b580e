import type { XmlElement } from '../../xml/element.ts';
import { attribute } from '../../xml/element.ts';
import { type Jid, StanzaError } from '../../xmpp/xmpp.ts';
import type { ConferenceCounters } from './counters.ts';
import { bareOf } from './room/occupant-presence.ts';
import { defaultConfig, type RoomConfig } from './room/room-config.ts';
import {
  createRoom,
  occupantBy,
  type RoomStanza,
  type RoomState,
  type Step,
  type StepContext,
} from './room/room-state.ts';
import { closeRoom, isEntering, stepRoom } from './room/step-room.ts';
import type { RoomStore } from './room-store.ts';

export interface RoomsNeeds {
  readonly store: RoomStore;
  readonly counters: ConferenceCounters;
  /** Sends in order; never rejects. */
  readonly send: (stanza: XmlElement) => Promise<void>;
  readonly now: () => number;
  readonly newId: () => string;
  /** Whether somebody of this domain may create rooms. */
  readonly mayCreate: (jid: Jid) => boolean;
  /** A stanza for which nobody waits could not be handled. */
  readonly onFailure: (error: unknown) => void;
  readonly limits: {
    readonly rooms: number;
    readonly persistentRooms: number;
    readonly roomsPerUser: number;
    readonly occupants: number;
    readonly affiliations: number;
    readonly historyLength: number;
    readonly historySize: number;
  };
  readonly isLogged: boolean;
}

/** A room as lists show it. */
export interface ListedRoom {
  readonly jid: Jid;
  readonly config: RoomConfig;
  /** Who created it; undefined when it was there at the start. */
  readonly creator: string | undefined;
}

/** Every room of the service: each handles one stanza after the other, and no room waits for another. */
export interface Rooms {
  /** Resolves when the room has handled it, and what it sends has left. @throws StanzaError the refusal */
  handle(stanza: RoomStanza): Promise<void>;
  /** The addresses of rooms, sorted: what is there now. */
  list(): readonly ListedRoom[];
  readonly occupants: number;
  /** Reads the rooms that were kept. */
  open(): Promise<void>;
  /** Everybody is told that the service goes down. */
  close(): Promise<void>;
}

/** Answers and errors that may wait for one room; what comes beyond is dropped. */
const MAX_ANSWERS_WAITING = 1_000;

interface Room {
  readonly jid: Jid;
  /** Undefined: not read from the store yet, or not created. */
  state: RoomState | undefined;
  /** The end of what waits. */
  tail: Promise<void>;
  waiting: number;
}

export function createRooms(needs: RoomsNeeds): Rooms {
  const { store, counters, limits } = needs;
  /** Rooms in memory: with occupants, or with something to do. */
  const rooms = new Map<string, Room>();
  const listed = new Map<string, ListedRoom>();
  const createdBy = new Map<string, number>();
  let persistent = 0;
  let occupants = 0;
  let isClosed = false;

  const show = (): void => {
    counters.total.set(listed.size);
    counters.persistent.set(persistent);
    counters.adhoc.set(listed.size - persistent);
    counters.occupants.set(occupants);
  };

  const countCreator = (creator: string | undefined, change: number): void => {
    if (creator === undefined) return;
    const count = (createdBy.get(creator) ?? 0) + change;
    if (count > 0) createdBy.set(creator, count);
    else createdBy.delete(creator);
  };

  /** Keeps the lists in step with a room that has changed. */
  const settle = (room: Room, before: RoomState | undefined, after: RoomState | undefined, creator?: string): void => {
    const known = listed.get(room.jid.bare);
    occupants += (after?.occupants.size ?? 0) - (before?.occupants.size ?? 0);
    if (after === undefined) {
      if (known !== undefined) {
        listed.delete(room.jid.bare);
        counters.deleted.inc();
        if (known.config.isPersistent) persistent -= 1;
        countCreator(known.creator, -1);
      }
    } else if (known?.config !== after.config) {
      if (known === undefined) {
        counters.created.inc();
        countCreator(creator, 1);
      }
      persistent += Number(after.config.isPersistent) - Number(known?.config.isPersistent ?? false);
      listed.set(room.jid.bare, { jid: room.jid, config: after.config, creator: known?.creator ?? creator });
    }
    show();
  };

  const contextNow = (): StepContext => ({
    atMs: needs.now(),
    id: needs.newId(),
    isLogged: needs.isLogged,
    limits: {
      maxUsers: limits.occupants,
      historyLength: limits.historyLength,
      historySize: limits.historySize,
      affiliations: limits.affiliations,
      canPersist: persistent < limits.persistentRooms,
    },
  });

  const create = (stanza: RoomStanza): RoomState => {
    const { from, to } = stanza;
    if (stanza.kind !== 'presence' || !isEntering(stanza)) {
      throw new StanzaError('item-not-found', 'there is no such room');
    }
    if (to.resource === null) throw new StanzaError('jid-malformed', 'the address has no nickname');
    // XEP-0045 10.1.1: a service may keep the creation of rooms to some.
    if (!needs.mayCreate(from)) throw new StanzaError('not-allowed', 'rooms are created by users of this service');
    if (listed.size >= limits.rooms) throw new StanzaError('resource-constraint', 'there are too many rooms');
    if ((createdBy.get(from.bare) ?? 0) >= limits.roomsPerUser) {
      throw new StanzaError('resource-constraint', 'you have created too many rooms');
    }
    const config = defaultConfig({ maxUsers: limits.occupants, historyLength: limits.historyLength });
    return createRoom(bareOf(to), bareOf(from), config);
  };

  const perform = async (room: Room, stanza: RoomStanza): Promise<void> => {
    if (isClosed) throw new StanzaError('service-unavailable', '');
    counters.stanzas.inc();
    const isKnown = listed.has(room.jid.bare);
    if (room.state === undefined && isKnown) room.state = await store.load(room.jid);
    const before = room.state;
    if (before === undefined && (stanza.type === 'unavailable' || isAnswer(stanza))) return;
    const step = stepRoom(before ?? create(stanza), stanza, contextNow());
    // Nobody hears what is not kept yet.
    const stored = await store.save(before, step.state);
    room.state = step.state;
    counters.messagesPersisted.inc(stored);
    settle(room, before, step.state, before === undefined ? stanza.from.bare : undefined);
    count(stanza, step);
    await sendAll(step.sends);
  };

  const count = (stanza: RoomStanza, { sends }: Step): void => {
    if (stanza.kind === 'message' && stanza.type !== 'error') {
      if (stanza.to.resource === null) counters.messagesIn.inc();
      else counters.directedIn.inc();
    }
    counters.messagesOut.inc(sends.filter(({ local }) => local === 'message').length);
  };

  /** In order for each address; addresses do not wait for each other. */
  const sendAll = async (sends: readonly XmlElement[]): Promise<void> => {
    const perAddress = Map.groupBy(sends, (each) => attribute(each, 'to'));
    await Promise.all(
      [...perAddress.values()].map(async (stanzas) => {
        for (const stanza of stanzas) await needs.send(stanza);
      }),
    );
  };

  const roomAt = (jid: Jid): Room => {
    let room = rooms.get(jid.bare);
    if (room === undefined) {
      room = { jid: bareOf(jid), state: undefined, tail: Promise.resolve(), waiting: 0 };
      rooms.set(jid.bare, room);
    }
    return room;
  };

  /** After everything that waits for the room. */
  const inTurn = (room: Room, task: () => Promise<void>): Promise<void> => {
    room.waiting += 1;
    const done = room.tail.then(task).finally(() => {
      room.waiting -= 1;
      // Who is in no room needs no memory; a persistent one is read again when somebody comes.
      if (room.waiting === 0 && (room.state?.occupants.size ?? 0) === 0) rooms.delete(room.jid.bare);
    });
    // The next one does not care how this one went; whoever asked for it does.
    room.tail = done.then(noop, noop);
    return done;
  };

  return {
    async handle(stanza) {
      const room = roomAt(stanza.to);
      if (!isAnswer(stanza)) {
        try {
          return await inTurn(room, () => perform(room, stanza));
        } catch (error) {
          if (stanza.kind === 'message') counters.messagesIgnored.inc();
          throw error;
        }
      }
      // What we send may come back as an error while we are sending: to wait for it here would be to wait for ourselves.
      const isOccupant = room.state !== undefined && occupantBy(room.state, stanza.from) !== undefined;
      const isWanted = stanza.kind === 'iq' || isOccupant;
      if (!isWanted || room.waiting > MAX_ANSWERS_WAITING) {
        if (room.waiting === 0 && room.state === undefined) rooms.delete(room.jid.bare);
        return;
      }
      inTurn(room, () => perform(room, stanza)).catch(needs.onFailure);
    },
    list: () => [...listed.values()].sort((a, b) => (a.jid.bare < b.jid.bare ? -1 : 1)),
    get occupants() {
      return occupants;
    },
    async open() {
      for (const { jid, config } of await store.list()) {
        listed.set(jid.bare, { jid, config, creator: undefined });
        persistent += 1;
      }
      show();
    },
    async close() {
      isClosed = true;
      await Promise.all(
        [...rooms.values()].map((room) =>
          inTurn(room, async () => {
            if (room.state !== undefined) await sendAll(closeRoom(room.state).sends);
            room.state = undefined;
          }),
        ),
      );
      listed.clear();
      [persistent, occupants] = [0, 0];
      show();
    },
  };
}

function noop(): void {
  // What happened is told to whoever waits for it.
}

function isAnswer({ type }: RoomStanza): boolean {
  return type === 'error' || type === 'result';
}
