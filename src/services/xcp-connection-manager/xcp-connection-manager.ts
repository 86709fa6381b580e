import type { Socket } from 'node:net';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { plainAddress } from '../../platform/networks.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import {
  createTcpTransport,
  type ServerStream,
  type ServerStreamOwner,
  StreamError,
  serveStream,
  type TlsUpgrade,
} from '../../xmpp/xmpp.ts';
import type { XcpAuthenticationService } from '../xcp-authentication-service/xcp-authentication-service.ts';
import type { XcpRouter } from '../xcp-router/xcp-router.ts';
import { createByteRates } from './byte-rate.ts';
import { createConnectionCounters } from './counters.ts';
import { type Listener, listenStartTls, listenTls } from './listeners.ts';
import { connectionManagerOptions, type XcpConnectionManagerOptions } from './options.ts';

export type { XcpConnectionManagerOptions } from './options.ts';

export const xcpConnectionManagerDescriptor: ServiceDescriptor<XcpConnectionManagerOptions> = {
  name: 'xcp-connection-manager',
  title: 'Cisco XCP Connection Manager',
  purpose: 'Lets XMPP clients connect to this node.',
  kind: 'feature',
  isXcp: true,
  dependsOn: ['xcp-router', 'xcp-authentication-service'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'RFC 6120', status: 'complete' },
    { spec: 'XEP-0368', status: 'complete' },
  ],
  options: connectionManagerOptions,
};

export interface XcpConnectionManagerNeeds {
  readonly router: XcpRouter;
  readonly authentication: XcpAuthenticationService;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly tls: { readonly node: TlsMaterial };
  /** 0 picks a free port, and keeps it over restarts of the service. */
  readonly listeners: { readonly host: string; readonly port: number; readonly tlsPort: number };
  /** Addresses without a cap on connections. */
  readonly isExempt: (address: string) => boolean;
}

export interface XcpConnectionManager {
  /** The ports in use; undefined where nothing is listened for. */
  ports(): { readonly startTls: number | undefined; readonly tls: number | undefined };
  /** New key and certificate for connections to come. */
  renewTls(tls: TlsMaterial): void;
}

const SERVICE = 'xcp-connection-manager';
const TICK_MS = 1_000;

/** Accepts clients, encrypts, holds them to their limits, and hands their streams to the router. */
export function createXcpConnectionManager(
  needs: XcpConnectionManagerNeeds,
  options: XcpConnectionManagerOptions,
): Service & XcpConnectionManager {
  const { router, authentication, alarms, clock } = needs;
  const log = needs.log.child({ subsystem: SERVICE });
  const counters = createConnectionCounters(needs.metrics);
  const perAddress = new Map<string, number>();
  const streams = new Set<ServerStream>();
  let { port, tlsPort } = needs.listeners;
  let startTls: Listener | undefined;
  let direct: Listener | undefined;
  let connected = 0;
  let isHolding = false;
  let refusedLately = false;

  const rates = createByteRates(options, () => {
    counters.throttled.inc();
    alarms.raise(
      SERVICE,
      'XcpCmReadBytesLimit',
      4,
      `a client sent more than ${options.bytesPerSecond} bytes a second for ${options.burstSeconds} s; it is slowed down`,
    );
  });

  /** False: it is one too many. */
  const admit = (socket: Socket): boolean => {
    const address = plainAddress(socket.remoteAddress ?? '');
    const held = perAddress.get(address) ?? 0;
    const isOneTooMany = held >= options.connectionsPerAddress && !needs.isExempt(address);
    if (isOneTooMany || connected >= options.connections) {
      counters.refused.inc();
      refusedLately = true;
      const limit = isOneTooMany ? `${address} holds ${held} connections` : `${connected} connections are open`;
      alarms.raise(SERVICE, 'XcpCmConnectionsPerIpLimit', 4, `${limit}: a further one was refused`);
      return false;
    }
    connected += 1;
    perAddress.set(address, held + 1);
    counters.accepted.inc();
    counters.connected.set(connected);
    socket.once('close', () => {
      connected -= 1;
      counters.closed.inc();
      counters.connected.set(connected);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
    return true;
  };

  const accept = (socket: Socket, upgrade: TlsUpgrade | undefined): void => {
    socket.on('error', () => undefined);
    if (!admit(socket)) {
      socket.destroy();
      return;
    }
    const address = plainAddress(socket.remoteAddress ?? '');
    const transport = createTcpTransport(socket, { clock, side: 'server', ...(upgrade && { upgrade }) });
    let measured: Disposable | undefined;
    const owner: ServerStreamOwner = {
      ...router.clients,
      sasl: (stream) => authentication.saslFor(stream, address),
      closed(end, stream) {
        streams.delete(stream);
        measured?.[Symbol.dispose]();
        counters.streamClosed(end);
        if (end.error?.kind === 'internal') log.error({ err: describeError(end.error) }, 'a stream failed');
        router.clients.closed(end, stream);
      },
    };
    const stream = serveStream(transport, owner, {
      policy: {
        kind: 'client',
        hosts: router.hosts,
        offersTls: upgrade !== undefined,
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
  };

  /** The router is behind: nobody is read from until it has caught up. */
  const hold = (isBehind: boolean): void => {
    if (isBehind === isHolding) return;
    isHolding = isBehind;
    for (const stream of streams) {
      if (isBehind) stream.pause();
      else stream.resume();
    }
    if (isBehind) {
      counters.paused.inc();
      alarms.raise(SERVICE, 'XcpCmPauseSockets', 3, 'the XCP Router is behind: clients are not read from');
    } else alarms.clear(SERVICE, 'XcpCmPauseSockets');
  };

  const tick = (): void => {
    if (rates.tick() === 0) alarms.clear(SERVICE, 'XcpCmReadBytesLimit');
    if (!refusedLately) alarms.clear(SERVICE, 'XcpCmConnectionsPerIpLimit');
    refusedLately = false;
  };

  const open = async (scope: Scope, what: string, listen: () => Promise<Listener>): Promise<Listener | undefined> => {
    try {
      const listener = await listen();
      scope.defer(() => listener.close());
      return listener;
    } catch (error) {
      alarms.raise(SERVICE, 'XcpCmStartupError', 3, `${what}: ${describeError(error)}`);
      log.error({ err: describeError(error) }, 'a listener could not be opened');
      return undefined;
    }
  };

  return {
    ports: () => ({ startTls: startTls?.port, tls: direct?.port }),
    renewTls(tls) {
      startTls?.renew(tls);
      direct?.renew(tls);
    },
    async start(scope) {
      const { host } = needs.listeners;
      alarms.clear(SERVICE, 'XcpCmStartupError');
      startTls = await open(scope, 'STARTTLS', () => listenStartTls(host, port, needs.tls.node, accept));
      direct = await open(scope, 'direct TLS', () => listenTls(host, tlsPort, needs.tls.node, accept));
      if (startTls === undefined && direct === undefined) {
        throw new ImpError('unavailable', 'listener.bind', 'neither of the two ports can be listened on');
      }
      // A free port that was picked once is kept: clients know it.
      port = startTls?.port ?? port;
      tlsPort = direct?.port ?? tlsPort;
      scope.defer(() => {
        startTls = undefined;
        direct = undefined;
        // Said as an error: a session that can be resumed is, when the service is back.
        for (const stream of streams) stream.end(new StreamError('system-shutdown', 'the service is stopping'));
      });
      const pressure = router.onPressure(hold);
      scope.defer(() => {
        pressure[Symbol.dispose]();
        hold(false);
      });
      hold(router.isBehind);
      scope.every(TICK_MS, tick);
    },
    detail: () =>
      startTls === undefined && direct === undefined
        ? 'listens nowhere'
        : `${connected} ${connected === 1 ? 'connection' : 'connections'}${isHolding ? ', held back: the router is behind' : ''}`,
  };
}
