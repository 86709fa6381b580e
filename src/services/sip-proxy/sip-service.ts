import { randomBytes } from 'node:crypto';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Scope } from '../../platform/service.ts';
import type { SipProxyConfiguration } from '../../rpc/sip-proxy/configuration.ts';
import type { LoginThrottle } from '../../sign-in/login-throttle.ts';
import { refusal, type SipError } from '../../sip/errors.ts';
import { createSipEndpoint, type SipEndpoint } from '../../sip/sip.ts';
import type { Hop } from '../../sip/transport/flow.ts';
import type { SipTlsOptions } from '../../sip/transport/options.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import type { SipRegistrationDatastore } from '../sip-registration-datastore/sip-registration-datastore.ts';
import { createNameWatch, REFRESH_MS } from './access/address-book.ts';
import { createSipCredentials, type PresetPassword } from './access/credentials.ts';
import { createPeerCertificates } from './access/peer-certificates.ts';
import { createSipProxyCounters } from './counters.ts';
import type { SipProxyOptions } from './options.ts';
import { createPolicy, type Policy } from './policy.ts';
import { createDialogTokens } from './proxying/dialog-tokens.ts';
import { DEPARTED_MS, forgetDeparted } from './registrar/departed-users.ts';
import { createRequestHandler } from './request-handler.ts';
import type { SipListeners } from './sip-proxy.ts';
import { guardStores } from './stores.ts';

export interface SipServiceNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly registrations: SipRegistrationDatastore;
  readonly routeDatastore: RouteDatastore;
  readonly throttle: LoginThrottle;
  readonly nodeName: string;
  readonly listeners: SipListeners;
  readonly isExempt?: (address: string) => boolean;
  readonly presenceEngine: () => Hop | undefined;
  readonly presetPassword?: PresetPassword;
}

/** Ports in use; undefined for a listener that could not be opened. */
export interface SipAddresses {
  readonly host: string;
  readonly udp: number | undefined;
  readonly tcp: number | undefined;
  readonly tls: number | undefined;
}

/** The SIP side of the proxy, from its start to its stop. */
export interface SipService {
  /** Puts a configuration into force; the first one before `start`. */
  configure(configuration: SipProxyConfiguration): void;
  /** Opens the listeners; one that cannot be opened raises an alarm and is tried again. */
  start(scope: Scope): Promise<void>;
  addresses(): SipAddresses;
  /** Ports of the further listeners that are open, by their names. */
  furtherPorts(): ReadonlyMap<string, number>;
  renewTls(tls: { readonly node: TlsMaterial; readonly ca: string }): void;
  detail(): string;
}

const SERVICE = 'sip-proxy';
const RETRY_MS = 5_000;
const COUNT_MS = 1_000;
/** Alarms of the two stores. */
const STORE_ALARMS = { registrations: 'ESPRegistryError', routes: 'ESPRoutingError' } as const;

export function createSipService(needs: SipServiceNeeds, options: SipProxyOptions): SipService {
  const { alarms, clock, listeners, log } = needs;
  const sip = createEndpoint(needs, options);
  const counters = createSipProxyCounters(needs.metrics);
  const credentials = createSipCredentials(needs.ids, needs.presetPassword);
  const nameWatch = createNameWatch();
  let own = needs.tls;
  const peers = createPeerCertificates(needs.ids, (authorities) => sip.renewTls(tlsOptions(own, authorities)));
  let policy: Policy | undefined;
  let closed: readonly SipError[] = [];

  const ports = (): readonly number[] => [
    ...Object.values(sip.addresses).flatMap((each) => (each === undefined ? [] : [each.port])),
    ...sip.furtherPorts.values(),
  ];

  const report = (errors: readonly SipError[]): void => {
    closed = errors;
    if (errors.length === 0) alarms.clear(SERVICE, 'ESPSocketError');
    else alarms.raise(SERVICE, 'ESPSocketError', 3, errors.map(({ message }) => message).join('; '));
  };

  const stores = guardStores({ registrations: needs.registrations, routes: needs.routeDatastore }, (store, trouble) => {
    if (trouble === undefined) alarms.clear(SERVICE, STORE_ALARMS[store]);
    else alarms.raise(SERVICE, STORE_ALARMS[store], 3, trouble.message);
  });

  const handler = createRequestHandler(
    {
      sip,
      policy() {
        if (policy === undefined) throw refusal(503, 'No Configuration');
        return policy;
      },
      ...stores,
      presenceEngine: needs.presenceEngine,
      tokens: createDialogTokens(randomBytes(32)),
      counters,
      clock,
      log,
      nodeName: needs.nodeName,
      random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
    },
    {
      minSeconds: options.minExpiresSeconds,
      maxSeconds: options.maxExpiresSeconds,
      defaultSeconds: options.defaultExpiresSeconds,
      contactsPerUser: options.contactsPerUser,
      maxMessageBytes: options.maxMessageBytes,
      ringSeconds: options.ringSeconds,
    },
  );
  sip.onRequest(handler.onRequest);
  sip.onAck(handler.onAck);

  return {
    configure(configuration) {
      policy = createPolicy(
        configuration,
        {
          nodeName: needs.nodeName,
          own: { host: listeners.host, names: [listeners.advertisedHost ?? listeners.host], ports },
          authentication: {
            ...{ credentials, throttle: needs.throttle, clock, algorithms: options.digestAlgorithms },
            isOurs: (uri) => policy?.names.isOurs(uri) === true,
          },
          nameWatch,
          isPeerNode: peers.isNode,
        },
        policy,
      );
      // Names count once they are known; until then only addresses do.
      nameWatch.refresh().catch((error: unknown) => log.error({ err: error }, 'names of access lists not looked up'));
    },
    async start(scope) {
      scope.run((signal) => credentials.follow(needs.changeFeed, signal));
      scope.run((signal) => peers.follow(needs.changeFeed, signal));
      scope.defer(() => {
        for (const name of ['ESPSocketError', ...Object.values(STORE_ALARMS)]) alarms.clear(SERVICE, name);
      });
      await sip.open(scope);
      report(await sip.openMissing());
      scope.every(RETRY_MS, async () => {
        if (closed.length > 0) report(await sip.openMissing());
      });
      scope.every(REFRESH_MS, () => nameWatch.refresh());
      scope.every(DEPARTED_MS, async () => {
        const users = await forgetDeparted(needs.registrations, needs.routeDatastore, needs.nodeName);
        if (users > 0) log.info({ users }, 'registrations of users who left the node removed');
      });
      let before = performance.eventLoopUtilization();
      counters.load(0);
      scope.defer(() => counters.load(undefined));
      scope.every(COUNT_MS, () => {
        const now = performance.eventLoopUtilization();
        counters.load(performance.eventLoopUtilization(now, before).utilization);
        before = now;
        counters.readStatistics(sip.statistics);
      });
    },
    furtherPorts: () => sip.furtherPorts,
    addresses() {
      const { udp, tcp, tls } = sip.addresses;
      const host = listeners.advertisedHost ?? udp?.address ?? tcp?.address ?? tls?.address ?? listeners.host;
      return { host, udp: udp?.port, tcp: tcp?.port, tls: tls?.port };
    },
    renewTls(renewed) {
      own = renewed;
      sip.renewTls(tlsOptions(own, peers.authorities()));
    },
    detail() {
      const open = Object.entries(sip.addresses).flatMap(([name, each]) =>
        each === undefined ? [] : [`${name.toUpperCase()} ${each.port}`],
      );
      for (const [name, port] of sip.furtherPorts) open.push(`${name} ${port}`);
      const missing = closed.length === 0 ? '' : ` (${closed.map(({ message }) => message).join('; ')})`;
      return `listens on ${open.join(', ') || 'nothing'}${missing}`;
    },
  };
}

function createEndpoint(needs: SipServiceNeeds, options: SipProxyOptions): SipEndpoint {
  const { advertisedHost, host, port, tlsPort } = needs.listeners;
  return createSipEndpoint(
    { clock: needs.clock, log: needs.log },
    {
      host,
      port,
      tlsPort,
      ...(needs.listeners.further !== undefined && { further: needs.listeners.further }),
      ...(advertisedHost !== undefined && { advertisedHost }),
      ...(needs.isExempt && { isExempt: needs.isExempt }),
      tls: tlsOptions(needs.tls, ''),
      mayLackListeners: true,
      maxServerTransactions: options.maxTransactions,
      connections: {
        perAddress: options.connectionsPerAddress,
        total: options.maxConnections,
        bytesPerSecond: options.bytesPerSecond,
        idleMs: options.idleSeconds * 1_000,
      },
    },
  );
}

/** @param authorities PEM of those of peer clusters */
function tlsOptions(tls: { readonly node: TlsMaterial; readonly ca: string }, authorities: string): SipTlsOptions {
  return { ...tls.node, ca: `${tls.ca}\n${authorities}`, clientCertificates: 'requested' };
}
