import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { SaslServer } from '../sasl/server-mechanisms.ts';
import type { StreamError } from '../stream-error.ts';
import type { Transport } from '../transport.ts';
import { createByteRates } from './byte-rate.ts';
import { type ServerStream, type ServerStreamOwner, type StreamEnd, serveStream } from './server-stream.ts';

/** Counts of what is taken in; each may be left out. */
export interface ClientIntakeCounters {
  connected(count: number): void;
  accepted?(): void;
  closed?(): void;
  refused?(): void;
  throttled?(): void;
  /** All clients are held back. */
  paused?(): void;
  streamClosed?(end: StreamEnd): void;
}

export interface ClientIntakeNeeds {
  /** Whose alarms are raised: the service's name. */
  readonly service: string;
  /** What a client's stream is about, but for the sign-in. */
  readonly clients: Omit<ServerStreamOwner, 'sasl'>;
  /** Whether streams may be opened to the domain. */
  readonly hosts: (domain: string) => boolean;
  saslFor(stream: ServerStream, address: string): SaslServer;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly counters: ClientIntakeCounters;
  /** Addresses without a cap on connections. */
  readonly isExempt: (address: string) => boolean;
}

export interface ClientIntakeOptions {
  readonly connectionsPerAddress: number;
  readonly connections: number;
  readonly stanzaBytes: number;
  readonly signInSeconds: number;
  readonly bytesPerSecond: number;
  readonly burstSeconds: number;
  readonly failedSignIns: number;
}

/** Clients of one Connection Manager: their number, their rate, and all of them held back while the router is behind. */
export interface ClientIntake {
  readonly connected: number;
  readonly isHolding: boolean;
  /** A place for one more connection of the address, to be given back; undefined when it is one too many. */
  admit(address: string): Disposable | undefined;
  serve(transport: Transport, address: string, offersTls: boolean): ServerStream;
  /** The router is behind: nobody is read from until it has caught up. */
  hold(isBehind: boolean): void;
  /** Each second. */
  tick(): void;
  endAll(reason: StreamError): void;
}

/** After so many without a refusal the alarm ends. */
const QUIET_SECONDS = 60;

export function createClientIntake(needs: ClientIntakeNeeds, options: ClientIntakeOptions): ClientIntake {
  const { service, alarms, counters, clock } = needs;
  const perAddress = new Map<string, number>();
  const streams = new Set<ServerStream>();
  let connected = 0;
  let isHolding = false;
  /** Seconds without a refusal. */
  let quiet = 0;

  const rates = createByteRates(options, () => {
    counters.throttled?.();
    alarms.raise(
      service,
      'XcpCmReadBytesLimit',
      4,
      `a client sent more than ${options.bytesPerSecond} bytes a second for ${options.burstSeconds} s; it is slowed down`,
    );
  });

  const release = (address: string): void => {
    connected -= 1;
    counters.closed?.();
    counters.connected(connected);
    const left = (perAddress.get(address) ?? 1) - 1;
    if (left > 0) perAddress.set(address, left);
    else perAddress.delete(address);
  };

  return {
    get connected() {
      return connected;
    },
    get isHolding() {
      return isHolding;
    },
    admit(address) {
      const held = perAddress.get(address) ?? 0;
      const isOneTooMany = held >= options.connectionsPerAddress && !needs.isExempt(address);
      if (isOneTooMany || connected >= options.connections) {
        counters.refused?.();
        quiet = 0;
        const limit = isOneTooMany ? `${address} holds ${held} connections` : `${connected} connections are open`;
        alarms.raise(service, 'XcpCmConnectionsPerIpLimit', 4, `${limit}: a further one was refused`);
        return undefined;
      }
      connected += 1;
      perAddress.set(address, held + 1);
      counters.accepted?.();
      counters.connected(connected);
      let isHeld = true;
      return {
        [Symbol.dispose]() {
          if (isHeld) release(address);
          isHeld = false;
        },
      };
    },
    serve(transport, address, offersTls) {
      let measured: Disposable | undefined;
      const owner: ServerStreamOwner = {
        ...needs.clients,
        sasl: (stream) => needs.saslFor(stream, address),
        closed(end, stream) {
          streams.delete(stream);
          measured?.[Symbol.dispose]();
          counters.streamClosed?.(end);
          if (end.error?.kind === 'internal') needs.log.error({ err: describeError(end.error) }, 'a stream failed');
          needs.clients.closed(end, stream);
        },
      };
      const stream = serveStream(transport, owner, {
        policy: {
          kind: 'client',
          hosts: needs.hosts,
          offersTls,
          requiresTls: true,
          maxFailures: options.failedSignIns,
        },
        clock,
        negotiationMs: options.signInSeconds * 1_000,
        stanzaBytes: options.stanzaBytes,
      });
      streams.add(stream);
      measured = rates.add({
        get bytesRead() {
          return transport.bytesRead;
        },
        pause: () => stream.pause(),
        resume: () => stream.resume(),
      });
      if (isHolding) stream.pause();
      return stream;
    },
    hold(isBehind) {
      if (isBehind === isHolding) return;
      isHolding = isBehind;
      for (const stream of streams) {
        if (isBehind) stream.pause();
        else stream.resume();
      }
      if (isBehind) {
        counters.paused?.();
        alarms.raise(service, 'XcpCmPauseSockets', 3, 'the XCP Router is behind: clients are not read from');
      } else alarms.clear(service, 'XcpCmPauseSockets');
    },
    tick() {
      if (rates.tick() === 0) alarms.clear(service, 'XcpCmReadBytesLimit');
      quiet += 1;
      if (quiet === QUIET_SECONDS) alarms.clear(service, 'XcpCmConnectionsPerIpLimit');
    },
    endAll(reason) {
      for (const stream of streams) stream.end(reason);
    },
  };
}
