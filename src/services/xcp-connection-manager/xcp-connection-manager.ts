import type { Socket } from 'node:net';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { plainAddress } from '../../platform/networks.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import { createClientIntake, createTcpTransport, StreamError, type TlsUpgrade } from '../../xmpp/xmpp.ts';
import type { XcpAuthenticationService } from '../xcp-authentication-service/xcp-authentication-service.ts';
import type { XcpRouter } from '../xcp-router/xcp-router.ts';
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
  const intake = createClientIntake(
    {
      service: SERVICE,
      clients: router.clients,
      hosts: router.hosts,
      saslFor: authentication.saslFor,
      counters: createConnectionCounters(needs.metrics),
      isExempt: needs.isExempt,
      ...{ clock, log, alarms },
    },
    options,
  );
  let { port, tlsPort } = needs.listeners;
  let startTls: Listener | undefined;
  let direct: Listener | undefined;

  const accept = (socket: Socket, upgrade: TlsUpgrade | undefined): void => {
    socket.on('error', () => undefined);
    const address = plainAddress(socket.remoteAddress ?? '');
    const place = intake.admit(address);
    if (place === undefined) {
      socket.destroy();
      return;
    }
    socket.once('close', () => place[Symbol.dispose]());
    const transport = createTcpTransport(socket, { clock, side: 'server', ...(upgrade && { upgrade }) });
    intake.serve(transport, address, upgrade !== undefined);
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
        intake.endAll(new StreamError('system-shutdown', 'the service is stopping'));
      });
      const pressure = router.onPressure(intake.hold);
      scope.defer(() => {
        pressure[Symbol.dispose]();
        intake.hold(false);
      });
      intake.hold(router.isBehind);
      scope.every(TICK_MS, intake.tick);
    },
    detail: () =>
      startTls === undefined && direct === undefined
        ? 'listens nowhere'
        : `${intake.connected} ${intake.connected === 1 ? 'connection' : 'connections'}${intake.isHolding ? ', held back: the router is behind' : ''}`,
  };
}
