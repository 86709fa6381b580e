import { checkServerIdentity } from 'node:tls';
import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { TlsMaterial } from '../../../platform/https-listener.ts';
import type { Log } from '../../../platform/log.ts';
import {
  type ClientStream,
  connectTransport,
  createStreamManagement,
  el,
  NS,
  openStream,
  readStreamManagement,
  type Stanza,
  StanzaError,
  type StreamManagement,
  smRequest,
} from '../../../xmpp/xmpp.ts';
import type { RouterPeer } from './peers.ts';

export interface OutgoingLinkNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly tls: () => TlsMaterial;
  readonly nodeName: string;
  readonly domain: string;
  /** Stanzas of which it is not known whether they arrived: the link broke. */
  readonly lost: (stanzas: readonly Stanza[]) => void;
  readonly onState: (isUp: boolean) => void;
}

/** A connection of ours to another router; what is sent on it arrives in order. It is opened when it is needed. */
export interface OutgoingLink {
  /** Resolves when it has left our hands. @throws StanzaError `remote-server-timeout` */
  send(stanza: Stanza): Promise<void>;
  readonly isUp: boolean;
  close(): void;
}

const OPEN_MS = 10_000;
/** After a failure nobody waits for a new attempt that comes at once. */
const PAUSE_MS = 2_000;
const ACKNOWLEDGE_EVERY = 50;
const MOST_UNACKNOWLEDGED = 10_000;
const STANZA_BYTES = 1_048_576;

export function createOutgoingLink(peer: RouterPeer, needs: OutgoingLinkNeeds): OutgoingLink {
  const { clock, log } = needs;
  let stream: ClientStream | undefined;
  let sent: StreamManagement<Stanza> | undefined;
  let opening: Promise<ClientStream> | undefined;
  let notBefore = 0;
  let isClosed = false;

  const down = (error: Error | null): void => {
    const lost = sent?.unacknowledged ?? [];
    stream = undefined;
    sent = undefined;
    needs.onState(false);
    if (!isClosed) log.info({ peer: peer.key, err: error ? describeError(error) : 'closed' }, 'router link is down');
    if (lost.length > 0) needs.lost(lost);
  };

  const open = async (): Promise<ClientStream> => {
    const { host, domain, name } = { host: peer.address, domain: needs.domain, name: peer.name };
    const transport = await connectTransport({
      ...{ clock, host, port: peer.port, domain, tls: 'direct', content: NS.server },
      signal: AbortSignal.timeout(OPEN_MS),
      secureOptions: {
        ...needs.tls(),
        ca: [...peer.authorities],
        // Not the domain, which all clusters share, but the node is what we want to talk to.
        servername: name,
        checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      },
    });
    const opened = await openStream(transport, {
      ...{ kind: 'server', domain, from: needs.nodeName.toLowerCase(), clock, timeoutMs: OPEN_MS },
      stanzaBytes: STANZA_BYTES,
      credentials: { kind: 'certificate', authzid: needs.nodeName.toLowerCase() },
      onElement(said) {
        const managed = readStreamManagement(said);
        if (managed?.kind === 'answer') sent?.acknowledged(managed.handled);
      },
      onClosed: down,
    });
    sent = createStreamManagement<Stanza>({ requestEvery: ACKNOWLEDGE_EVERY, maxUnacknowledged: MOST_UNACKNOWLEDGED });
    opened.send(el(NS.sm, 'enable'));
    stream = opened;
    needs.onState(true);
    log.info({ peer: peer.key }, 'router link is up');
    return opened;
  };

  const ready = (): Promise<ClientStream> => {
    if (clock.monotonic() < notBefore) throw new StanzaError('remote-server-timeout', 'the node cannot be reached');
    opening ??= open()
      .catch((error: unknown) => {
        notBefore = clock.monotonic() + PAUSE_MS;
        log.warn({ peer: peer.key, err: describeError(error) }, 'router link cannot be opened');
        throw new StanzaError('remote-server-timeout', 'the node cannot be reached', { cause: error });
      })
      .finally(() => {
        opening = undefined;
      });
    return opening;
  };

  return {
    async send(stanza) {
      if (isClosed) throw new StanzaError('remote-server-timeout', 'the link is closed');
      const open = stream ?? (await ready());
      const result = sent?.sent(stanza);
      open.send(stanza.element);
      if (result !== 'sent') open.send(smRequest);
      if (open.transport.isFull) await open.transport.whenDrained();
    },
    get isUp() {
      return stream !== undefined;
    },
    close() {
      isClosed = true;
      stream?.end();
    },
  };
}
