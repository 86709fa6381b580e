import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import { createHttpsListener, type HttpsListener, type TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { createClientIntake, StreamError } from '../../xmpp/xmpp.ts';
import type { XcpAuthenticationService } from '../xcp-authentication-service/xcp-authentication-service.ts';
import type { XcpRouter } from '../xcp-router/xcp-router.ts';
import { createWebConnectionCounters } from './counters.ts';
import { createHttpBind } from './http-bind.ts';
import { webConnectionManagerOptions, type XcpWebConnectionManagerOptions } from './options.ts';
import { createWebSockets } from './web-sockets.ts';

export type { XcpWebConnectionManagerOptions } from './options.ts';

export const xcpWebConnectionManagerDescriptor: ServiceDescriptor<XcpWebConnectionManagerOptions> = {
  name: 'xcp-web-connection-manager',
  title: 'Cisco XCP Web Connection Manager',
  purpose: 'Lets XMPP clients in browsers connect to this node, over WebSocket and BOSH.',
  kind: 'feature',
  isXcp: true,
  dependsOn: ['xcp-router', 'xcp-authentication-service'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'RFC 7395', status: 'complete' },
    { spec: 'XEP-0124', status: 'partial' },
    { spec: 'XEP-0206', status: 'complete' },
  ],
  options: webConnectionManagerOptions,
};

export interface XcpWebConnectionManagerNeeds {
  readonly router: XcpRouter;
  readonly authentication: XcpAuthenticationService;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly tls: { readonly node: TlsMaterial };
  /** 0 picks a free port, and keeps it over restarts of the service. */
  readonly listener: { readonly host: string; readonly port: number };
  /** Addresses without a cap on connections. */
  readonly isExempt: (address: string) => boolean;
}

export interface XcpWebConnectionManager {
  /** The port in use; undefined where nothing is listened for. */
  port(): number | undefined;
  /** New key and certificate for connections to come. */
  renewTls(tls: TlsMaterial): void;
}

const SERVICE = 'xcp-web-connection-manager';
const TICK_MS = 1_000;

/** Where each way of connecting is served. */
export const WEB_SOCKET_PATH = '/ws';
export const HTTP_BIND_PATH = '/http-bind';

/** Accepts clients over HTTPS, holds them to their limits, and hands their streams to the router. */
export function createXcpWebConnectionManager(
  needs: XcpWebConnectionManagerNeeds,
  options: XcpWebConnectionManagerOptions,
): Service & XcpWebConnectionManager {
  const { router, authentication, alarms, clock } = needs;
  const log = needs.log.child({ subsystem: SERVICE });
  const counters = createWebConnectionCounters(needs.metrics);
  const intake = createClientIntake(
    {
      service: SERVICE,
      clients: router.clients,
      hosts: router.hosts,
      saslFor: authentication.saslFor,
      isExempt: needs.isExempt,
      ...{ clock, log, alarms, counters },
    },
    options,
  );
  let tls = needs.tls.node;
  let { port } = needs.listener;
  let listener: HttpsListener | undefined;

  const isAllowedOrigin = (origin: string | undefined): boolean =>
    origin === undefined || options.origins.length === 0 || options.origins.includes(origin);
  const ways = { intake, clock, log, isAllowedOrigin, onFailure: counters.failedRequest };

  return {
    port: () => listener?.port,
    renewTls(renewed) {
      tls = renewed;
      listener?.renew(renewed);
    },
    async start(scope) {
      alarms.clear(SERVICE, 'XcpCmHttpdError');
      const made = createHttpsListener('XMPP clients in browsers', tls, log);
      made.mount(HTTP_BIND_PATH, createHttpBind(ways, options));
      made.mountUpgrade(WEB_SOCKET_PATH, createWebSockets(ways, options));
      try {
        await made.listen(needs.listener.host, port);
      } catch (error) {
        alarms.raise(SERVICE, 'XcpCmHttpdError', 3, describeError(error));
        throw error;
      }
      // A free port that was picked once is kept: clients know it.
      port = made.port;
      listener = made;
      scope.defer(() => made.close());
      scope.defer(() => {
        listener = undefined;
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
      listener === undefined
        ? 'listens nowhere'
        : `${intake.connected} ${intake.connected === 1 ? 'stream' : 'streams'}${intake.isHolding ? ', held back: the router is behind' : ''}`,
  };
}
