import type { XmlElement } from '../../../xml/element.ts';
import { type Jid, type ServerStream, type StreamError, type StreamManagement, smRequest } from '../../../xmpp/xmpp.ts';
import type { Account } from './account.ts';
import type { Inbox } from './inbox.ts';

/** A stanza on its way to a client that has not acknowledged it yet. */
export interface Sent {
  readonly element: XmlElement;
  /** It came while the connection was broken: it goes offline rather than back to its sender. */
  readonly cameWhileAway: boolean;
  /** The stored message that it delivers. */
  readonly offlineId: string | undefined;
}

/** A bound resource of a user, with a connection or waiting for one. */
export class Session {
  readonly account: Account;
  readonly jid: Jid;
  readonly inbox: Inbox;
  /** Undefined while the connection is broken, and after the end. */
  stream: ServerStream | undefined;
  management: StreamManagement<Sent> | undefined;
  /** Names it for resumption; undefined when it cannot be resumed. */
  resumeId: string | undefined;
  isEnded = false;
  /** The last presence sent to everybody; undefined while it is not available. */
  presence: XmlElement | undefined;
  /** When it was said: milliseconds since the epoch. */
  presenceAt = 0;
  priority = 0;
  /** Has asked for the contact list, and hears of its changes (RFC 6121 2.1.6). */
  isInterested = false;
  hasBlockList = false;
  hasCarbons = false;
  /** XEP-0352. */
  isInactive = false;
  /** Whom it sent presence on its own (RFC 6121 4.6). */
  readonly directed = new Map<string, Jid>();
  /** Monotonic, of the last stanza sent by the client itself. */
  lastActive = 0;
  /** Called after an acknowledgement. */
  onAcknowledged: (() => void) | undefined;

  constructor(account: Account, jid: Jid, inbox: Inbox, stream: ServerStream) {
    this.account = account;
    this.jid = jid;
    this.inbox = inbox;
    this.stream = stream;
  }

  get isAvailable(): boolean {
    return this.presence !== undefined;
  }

  /** Takes messages that are not sent to it by name. */
  get takesMessages(): boolean {
    return this.presence !== undefined && this.priority >= 0;
  }

  get unacknowledged(): number {
    return this.management?.unacknowledged.length ?? 0;
  }

  /**
   * Sends, or keeps for when the connection is back. False when it can do neither: the session is over, or keeps as
   * much as it may already.
   */
  deliver(element: XmlElement, keepAtMost: number, offlineId?: string): boolean {
    if (this.isEnded) return false;
    const { management, stream } = this;
    if (stream === undefined && (management === undefined || this.unacknowledged >= keepAtMost)) return false;
    const result = management?.sent({ element, cameWhileAway: stream === undefined, offlineId });
    if (stream === undefined) return true;
    stream.send(element);
    if (result === 'ask') stream.send(smRequest);
    return true;
  }

  end(error?: StreamError): void {
    this.stream?.end(error);
  }
}
