import { randomBytes } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import { attribute, type XmlElement } from '../xml/element.ts';
import { type Jid, parseJid } from './jid.ts';
import { iq, readStanza } from './stanza.ts';
import { readStanzaError, StanzaError } from './stanza-error.ts';

/** Requests that we sent and that nobody has answered yet. */
export interface IqRequests {
  /** Sends a request; resolves with the result's payload, or null. @throws StanzaError, also when nobody answers in time */
  request(type: 'get' | 'set', to: Jid | null, payload: XmlElement): Promise<XmlElement | null>;
  /** Whether the stanza was the answer to one of them; it needs no other handling then. */
  settle(stanza: XmlElement): boolean;
  /** The way is gone: every request fails. */
  failAll(error: StanzaError): void;
}

interface Pending {
  readonly to: Jid | null;
  resolve(payload: XmlElement | null): void;
  reject(error: Error): void;
}

/** `from`: our own address. A request without `to` is answered by our account or our server. */
export function createIqRequests(
  send: (stanza: XmlElement) => unknown,
  options: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly from: Jid | null;
  },
): IqRequests {
  const pending = new Map<string, Pending>();
  let count = 0;
  // Ids are not to be guessed, and never those of an earlier stream.
  const prefix = randomBytes(6).toString('base64url');
  const newId = (): string => {
    count += 1;
    return `${prefix}-${count}`;
  };

  const take = (id: string): Pending | undefined => {
    const found = pending.get(id);
    pending.delete(id);
    return found;
  };

  return {
    request(type, to, payload) {
      const id = newId();
      return new Promise((resolve, reject) => {
        const timer = options.clock.schedule(options.timeoutMs, () => {
          take(id)?.reject(new StanzaError('remote-server-timeout', 'nobody answered in time'));
        });
        pending.set(id, {
          to,
          resolve(answer) {
            timer[Symbol.dispose]();
            resolve(answer);
          },
          reject(error) {
            timer[Symbol.dispose]();
            reject(error);
          },
        });
        send(iq({ type, id, to, from: options.from }, payload));
      });
    },
    settle(stanza) {
      const type = attribute(stanza, 'type');
      if (stanza.local !== 'iq' || (type !== 'result' && type !== 'error')) return false;
      const id = attribute(stanza, 'id') ?? '';
      const found = pending.get(id);
      // An answer counts only from whom it was asked (RFC 6120 8.1.2.1), else anybody could guess an id.
      if (found === undefined || !isFrom(stanza, found.to, options.from)) return false;
      take(id);
      if (type === 'error') found.reject(readStanzaError(stanza));
      else {
        const answer = readStanza(stanza);
        found.resolve(answer.kind === 'iq' ? answer.payload : null);
      }
      return true;
    },
    failAll(error) {
      for (const id of [...pending.keys()]) take(id)?.reject(error);
    },
  };
}

function isFrom(stanza: XmlElement, asked: Jid | null, own: Jid | null): boolean {
  const text = attribute(stanza, 'from');
  if (text === undefined) return asked === null || asked.full === own?.bare;
  const from = parseJid(text).full;
  return asked === null
    ? own !== null && (from === own.bare || from === own.domain || from === own.full)
    : from === asked.full;
}
