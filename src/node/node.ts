import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { createAdminFaces } from '../admin/admin-app.ts';
import { ensureAdminToken } from '../admin/admin-token.ts';
import { openAlarmDelivery } from '../admin/alarm-delivery/alarm-delivery.ts';
import { openAuditLog } from '../admin/audit-log.ts';
import type { SyncProgressEvent } from '../admin/context.ts';
import { createRestartNotices } from '../admin/restart-notices.ts';
import { watchSync } from '../admin/sync-watch.ts';
import { createAxlClient } from '../axl/client.ts';
import { createCredentialCheck } from '../axl/credential-check.ts';
import { createMockCucm, type MockCucm } from '../mock-cucm/mock-cucm.ts';
import { createAlarms } from '../platform/alarms.ts';
import { ensureCertificates, issueCertificate, listCertificates, renewNode } from '../platform/certificates.ts';
import type { Clock } from '../platform/clock.ts';
import { ImpError } from '../platform/errors.ts';
import { createConnectionCap } from '../platform/http-connections.ts';
import {
  createHttpListener,
  createHttpsListener,
  type HttpHandler,
  type HttpListenerOptions,
} from '../platform/https-listener.ts';
import type { Log } from '../platform/log.ts';
import { createMetrics, type Metrics } from '../platform/metrics.ts';
import { createNetworks, type Networks } from '../platform/networks.ts';
import { createNotifications } from '../platform/notifications.ts';
import { openSecretBox } from '../platform/secret-box.ts';
import type { Service, ServiceDescriptor } from '../platform/service.ts';
import { createSupervisor, type MadeService } from '../platform/supervisor.ts';
import { composePresence } from '../presence/compose.ts';
import { presenceOverview } from '../presence/presence-overview.ts';
import { PRESENCE_EVENT } from '../presence/publication.ts';
import {
  clientProfileAgentDescriptor,
  createClientProfileAgent,
  createClientProfileAgentBusyApp,
} from '../services/client-profile-agent/client-profile-agent.ts';
import { configAgentDescriptor, createConfigAgent } from '../services/config-agent/config-agent.ts';
import { createDataMonitor, dataMonitorDescriptor } from '../services/data-monitor/data-monitor.ts';
import {
  createInterclusterBusyApp,
  createInterclusterSyncAgent,
  interclusterSyncAgentDescriptor,
} from '../services/intercluster-sync-agent/intercluster-sync-agent.ts';
import { createLoginDatastore, loginDatastoreDescriptor } from '../services/login-datastore/login-datastore.ts';
import { createOamAgent, oamAgentDescriptor } from '../services/oam-agent/oam-agent.ts';
import {
  createPresenceDatastore,
  presenceDatastoreDescriptor,
} from '../services/presence-datastore/presence-datastore.ts';
import { createPresenceEngine, presenceEngineDescriptor } from '../services/presence-engine/presence-engine.ts';
import {
  createPresenceWebService,
  createPresenceWebServiceBusyApp,
  presenceWebServiceDescriptor,
} from '../services/presence-web-service/presence-web-service.ts';
import {
  createRccBusyApp,
  createRccDeviceSelection,
  createSipDeviceRegistrations,
  rccDeviceSelectionDescriptor,
} from '../services/rcc-device-selection/rcc-device-selection.ts';
import { createRouteDatastore, routeDatastoreDescriptor } from '../services/route-datastore/route-datastore.ts';
import { createRpcTransport } from '../services/server-recovery-manager/rpc-transport.ts';
import {
  createServerRecoveryManager,
  serverRecoveryManagerDescriptor,
} from '../services/server-recovery-manager/server-recovery-manager.ts';
import { createSipProxy, sipProxyDescriptor } from '../services/sip-proxy/sip-proxy.ts';
import {
  createSipRegistrationDatastore,
  sipRegistrationDatastoreDescriptor,
} from '../services/sip-registration-datastore/sip-registration-datastore.ts';
import { createSyncAgent, syncAgentDescriptor } from '../services/sync-agent/sync-agent.ts';
import { SYNCED_TABLES } from '../services/sync-agent/tables.ts';
import {
  createXcpAuthenticationService,
  xcpAuthenticationServiceDescriptor,
} from '../services/xcp-authentication-service/xcp-authentication-service.ts';
import {
  createXcpConnectionManager,
  xcpConnectionManagerDescriptor,
} from '../services/xcp-connection-manager/xcp-connection-manager.ts';
import { createXcpRouter, xcpRouterDescriptor } from '../services/xcp-router/xcp-router.ts';
import {
  createXcpTextConferenceManager,
  xcpTextConferenceManagerDescriptor,
} from '../services/xcp-text-conference-manager/xcp-text-conference-manager.ts';
import {
  createXcpWebConnectionManager,
  xcpWebConnectionManagerDescriptor,
} from '../services/xcp-web-connection-manager/xcp-web-connection-manager.ts';
import { createAdministrators } from '../sign-in/administrators.ts';
import { createLoginThrottle } from '../sign-in/login-throttle.ts';
import { createSignIn } from '../sign-in/sign-in.ts';
import { setSipCredentials } from '../sign-in/sip-credentials.ts';
import { loadActivations } from './activations.ts';
import { configuredCucm } from './cucm-access.ts';
import { lockDataFolder } from './data-lock.ts';
import { authority, type Endpoints, reachable, xmppEndpoint, xmppWebSocketEndpoint } from './endpoints.ts';
import { hostAnswers, hostId } from './host.ts';
import { certificateNames, type NodeFile } from './node-config.ts';
import { openIds } from './open-ids.ts';
import { ensureOwnTopology } from './own-topology.ts';
import { openRealTimeStores } from './real-time-stores.ts';
import { furtherSipListeners, generatedSipPassword, sipEndpoints, sipPasswordsOf } from './sip-parts.ts';
import { chosenFixture, MOCK_ADMINISTRATOR } from './standalone-mock.ts';
import { createUserMover } from './user-mover.ts';

export interface NodeOptions {
  readonly config: NodeFile;
  readonly cucmPassword: string | undefined;
  /** Everything durable lives there. Absolute. */
  readonly dataFolder: string;
  /** What relative paths of the node file mean. */
  readonly baseFolder: string;
  readonly mockCucm: {
    /** null: acme. */
    readonly fixtureFile: string | null;
    readonly users: number;
    readonly userPrefix: string;
  } | null;
  readonly hasEphemeralPorts: boolean;
  readonly version: string;
  readonly pid: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** One IM and Presence node. */
export interface Node extends AsyncDisposable {
  /** Opens the listeners (and starts the mock CUCM). @throws ImpError `listener.bind` */
  start(): Promise<void>;
  /** Starts the services; returns at once. */
  run(): void;
  endpoints(): Endpoints;
  /** Hears each change of readiness: initial sync complete, every activated service started, listeners open. */
  onReadiness(listener: (isReady: boolean) => void): void;
  onSyncProgress(listener: (event: SyncProgressEvent) => void): void;
  /** One clause: what is served. */
  summary(): string;
  /** Users of the mock's fixture and their password; undefined beside a real CUCM. */
  sampleCredentials(): { readonly users: readonly string[]; readonly password: string } | undefined;
  /** Stops the services, then the listeners. */
  stop(): Promise<void>;
}

/** How often the Sync Agent asks the mock for changes. */
const MOCK_POLL_SECONDS = 2;
/** Loopback callers of a node with a mock are the developer's own tests. */
const LOOPBACK = ['127.0.0.0/8', '::1'];
/** Names that a log of a mock node shows. */
const SAMPLE_USERS = 18;

/**
 * Makes a node: every part in one column, each given just what it uses. Opens the data folder and the database, nothing
 * that listens. What it holds is released in the reverse order by disposing.
 * @throws ImpError `node.data-in-use`, `node.no-cucm`, `node.no-domain`; IdsError; `certificates.unreadable`
 */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { config, clock, log, dataFolder } = options;
  await using stack = new AsyncDisposableStack();
  const port = (number: number): number => (options.hasEphemeralPorts ? 0 : number);
  const folder = (...parts: string[]): string => join(dataFolder, ...parts);

  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  stack.use(lockDataFolder(dataFolder));
  const fixture = options.mockCucm ? await chosenFixture(options.mockCucm.fixtureFile) : undefined;
  const domain = config.domain ?? fixture?.domain;
  if (domain === undefined) {
    throw new ImpError('invalid', 'node.no-domain', 'domain is not set: name the presence domain in the node file');
  }
  const host = reachable(config.bind);
  const address = config.address === '' ? host : config.address;

  // Platform.
  const metrics = createMetrics({ node: config.node });
  const alarms = createAlarms(clock, log);
  const notifications = createNotifications(clock, log);
  stack.use(
    await openAlarmDelivery(
      { alarms, node: { name: config.node, pid: options.pid }, baseFolder: options.baseFolder, clock, log, metrics },
      config.alarms,
    ),
  );
  const names = certificateNames(config, domain);
  let certificates = await ensureCertificates(folder('certs'), names, clock);
  const token = await ensureAdminToken(folder('admin.token'));
  // As they are when a service starts: a renewed certificate is taken then.
  const tls = {
    get node() {
      return certificates.node;
    },
    get ca() {
      return certificates.ca;
    },
  };
  const exemptNetworks = options.mockCucm
    ? [...config.signIn.exemptNetworks, ...LOOPBACK]
    : config.signIn.exemptNetworks;
  const exempt = createNetworks(exemptNetworks);
  const http = httpOptions(config, exempt, metrics);
  const listener = createHttpsListener('https', certificates.node, log, http);
  stack.defer(() => listener.close());
  const presenceListener = createHttpsListener('presence-web-service', certificates.node, log, http);
  stack.defer(() => presenceListener.close());
  const plainPort = config.listeners.presenceWebServiceHttp;
  const plainListener = plainPort === null ? undefined : createHttpListener('presence-web-service-http', log, http);
  if (plainListener) stack.defer(() => plainListener.close());

  // Data.
  const opened = await openIds(config.ids, {
    folder: folder('ids'),
    baseFolder: options.baseFolder,
    stagedTables: SYNCED_TABLES,
    clock,
    log,
    metrics,
    alarms,
  });
  const ids = stack.use(opened.ids);
  const changeFeed = stack.use(opened.changeFeed);
  const realTime = stack.use(
    await openRealTimeStores(config.datastore, { clock, log, metrics, baseFolder: options.baseFolder }),
  );
  const engine = realTime.shared;
  const own = { name: config.node, address, domain, version: options.version, isPublisher: true };
  const { isFirstStart } = await ensureOwnTopology(ids, own);
  if (isFirstStart && fixture) await setSipCredentials(ids, 'node', sipPasswordsOf(fixture));
  const activations = await loadActivations(ids, config.node);

  // CUCM: the mock, or the one of the node file.
  let mock: MockCucm | undefined;
  if (options.mockCucm && fixture) {
    mock = stack.use(
      createMockCucm({
        dataDir: folder('mock-cucm'),
        fixture,
        users: options.mockCucm.users,
        userPrefix: options.mockCucm.userPrefix,
        seed: 1,
        nodes: [config.node],
        host,
        port: port(config.listeners.mockCucm),
        tls: certificates.node,
        expiredTls: () => issueCertificate({ names, clock, days: -1 }),
        clock,
        log,
      }),
    );
    await mock.start();
  }
  const cucm = mock
    ? {
        url: `https://${authority(host, mock.port)}/axl/`,
        ca: certificates.ca,
        user: MOCK_ADMINISTRATOR.user,
        password: () => MOCK_ADMINISTRATOR.password,
      }
    : await configuredCucm(config, { password: options.cucmPassword, baseFolder: options.baseFolder, log });
  const axl = createAxlClient({
    url: cucm.url,
    user: cucm.user,
    password: cucm.password,
    ...(cucm.ca === undefined ? {} : { ca: cucm.ca }),
    clock,
    log,
  });
  stack.defer(() => axl[Symbol.asyncDispose]());
  const credentials = stack.use(createCredentialCheck({ axl, ids, clock, log, metrics }));

  let isListening = false;
  // Services, in the order of src/node/services.ts.
  const set = config.services;
  const staging = opened.staging;
  const syncAgent = createSyncAgent(
    {
      ids,
      staging,
      axl,
      axlUser: cucm.user,
      clock,
      log,
      metrics,
      alarms,
      node: own,
      domain,
    },
    mock ? { ...set['sync-agent'], pollIntervalSeconds: MOCK_POLL_SECONDS } : set['sync-agent'],
  );
  const dataMonitor = createDataMonitor(
    {
      isPublisher: own.isPublisher,
      replicationState: () => 2,
      sync: syncAgent,
      stabilityMs: 0,
      clock,
      log,
      alarms,
      notifications,
    },
    set['data-monitor'],
  );
  const routeDatastore = createRouteDatastore(
    { engine: realTime.local, ids, changeFeed, log, nodeName: config.node },
    set['route-datastore'],
  );
  const loginDatastore = createLoginDatastore(
    {
      engine,
      clock,
      log,
      metrics,
      servedBy: (home) => serverRecoveryManager.ownerOf(home),
      ...(realTime.secret && { secret: realTime.secret }),
    },
    set['login-datastore'],
  );
  const presenceDatastore = createPresenceDatastore({ engine, log }, set['presence-datastore']);
  const sipRegistrations = createSipRegistrationDatastore({ engine, clock, log }, set['sip-registration-datastore']);
  // One for both SOAP faces: a guesser has one set of attempts, and a restart of a service is no way around a lock-out.
  const throttle = createLoginThrottle(clock, { ...config.signIn, exemptNetworks });
  const signIn = createSignIn({ ids, loginDatastore, routeDatastore, credentials, throttle, log, domain });
  const clientProfileAgent = createClientProfileAgent(
    {
      listener,
      ids,
      changeFeed,
      loginDatastore,
      routeDatastore,
      signIn,
      clock,
      log,
      metrics,
      alarms,
      host: address,
      domain,
    },
    set['client-profile-agent'],
  );
  const interclusterSyncAgent = createInterclusterSyncAgent(
    {
      listener,
      ids,
      changeFeed,
      axl,
      presenceDatastore,
      routeDatastore,
      compose: composePresence,
      credentials,
      throttle,
      secrets: await openSecretBox(folder('secrets.key')),
      atLength: (transaction) => staging.atLength(transaction),
      clock,
      log,
      metrics,
      alarms,
      node: own,
      host: address,
      ports: () => {
        const sip = sipProxy.sipAddresses();
        // Peers may ask before those listeners are open.
        return {
          sip: sip?.tcp ?? port(config.listeners.sip),
          sipTls: sip?.tls ?? port(config.listeners.sipTls),
          router: xcpRouter.linkPort() ?? port(config.listeners.xcpRouter),
        };
      },
      tls,
      isSyncComplete: () => syncAgent.isSyncComplete() || syncAgent.earlierSyncAt() !== null,
      random: Math.random,
    },
    set['intercluster-sync-agent'],
  );
  const sipProxyFolder = folder('config', 'sip-proxy');
  const sipProxy = createSipProxy(
    {
      folder: sipProxyFolder,
      clock,
      log,
      metrics,
      alarms,
      notifications,
      tls,
      host,
      controlPort: port(config.listeners.sipProxyControl),
      ids,
      changeFeed,
      registrations: sipRegistrations,
      routeDatastore,
      throttle,
      nodeName: config.node,
      listeners: {
        host: config.bind,
        ...(config.address !== '' && { advertisedHost: address }),
        port: port(config.listeners.sip),
        tlsPort: port(config.listeners.sipTls),
        further: furtherSipListeners(config, port),
      },
      isExempt: exempt.has,
      presenceEngine: () => presenceEngine.sipHop(),
      ...(options.mockCucm &&
        fixture && { presetPassword: generatedSipPassword(fixture, options.mockCucm.userPrefix) }),
    },
    set['sip-proxy'],
  );
  const configAgent = createConfigAgent(
    {
      ids,
      changeFeed,
      clock,
      log,
      metrics,
      alarms,
      folder: sipProxyFolder,
      nodeName: config.node,
      tls,
      proxy: sipProxy,
      heartbeats: { host: config.bind, port: port(config.listeners.configAgent) },
    },
    set['config-agent'],
  );
  const presenceEngineFolder = folder('config', 'presence-engine');
  const presenceEngine = createPresenceEngine(
    {
      folder: presenceEngineFolder,
      ids,
      changeFeed,
      routeDatastore,
      presenceDatastore,
      clock,
      log,
      metrics,
      alarms,
      notifications,
      tls,
      host,
      controlPort: port(config.listeners.presenceEngineControl),
      sipPort: port(config.listeners.presenceEngineSip),
    },
    set['presence-engine'],
  );
  const oamAgent = createOamAgent(
    {
      ids,
      changeFeed,
      clock,
      log,
      metrics,
      alarms,
      folder: presenceEngineFolder,
      nodeName: config.node,
      tls,
      engine: presenceEngine,
    },
    set['oam-agent'],
  );
  const presenceWebService = createPresenceWebService(
    {
      listener: presenceListener,
      ...(plainListener && { httpListener: plainListener }),
      ids,
      changeFeed,
      loginDatastore,
      routeDatastore,
      presenceDatastore,
      signIn,
      compose: composePresence,
      clock,
      log,
      metrics,
      alarms,
      host: address,
      ca: certificates.ca,
    },
    set['presence-web-service'],
  );
  const rccDeviceSelection = createRccDeviceSelection(
    {
      listener,
      ids,
      changeFeed,
      loginDatastore,
      registrations: stack.use(createSipDeviceRegistrations(sipRegistrations)),
      clock,
      log,
      metrics,
      alarms,
      host: address,
      sip: {
        host: config.bind,
        ...(config.address !== '' && { advertisedHost: address }),
        port: port(config.listeners.rcc),
      },
    },
    set['rcc-device-selection'],
  );
  const xcpRouter = createXcpRouter(
    {
      ids,
      changeFeed,
      routeDatastore,
      presenceDatastore,
      clock,
      log,
      metrics,
      alarms,
      domain,
      version: options.version,
      links: { nodeName: config.node, host: config.bind, port: port(config.listeners.xcpRouter), tls: () => tls },
    },
    mock ? { ...set['xcp-router'], administrators: [...set['xcp-router'].administrators, 'admin'] } : set['xcp-router'],
  );
  const xcpAuthentication = createXcpAuthenticationService(
    { credentials, throttle, loginDatastore, routeDatastore, log, metrics, domain, hostNames: [] },
    mock
      ? {
          ...set['xcp-authentication-service'],
          administrators: [{ name: 'admin', password: MOCK_ADMINISTRATOR.password }],
        }
      : set['xcp-authentication-service'],
  );
  const xcpConnectionManager = createXcpConnectionManager(
    {
      router: xcpRouter,
      authentication: xcpAuthentication,
      clock,
      log,
      metrics,
      alarms,
      tls,
      listeners: {
        host: config.bind,
        port: port(config.listeners.xmpp),
        tlsPort: port(config.listeners.xmppTls),
      },
      isExempt: exempt.has,
    },
    set['xcp-connection-manager'],
  );
  const xcpWebConnectionManager = createXcpWebConnectionManager(
    {
      router: xcpRouter,
      authentication: xcpAuthentication,
      ...{ clock, log, metrics, alarms, tls },
      listener: { host: config.bind, port: port(config.listeners.xmppWeb) },
      isExempt: exempt.has,
    },
    set['xcp-web-connection-manager'],
  );
  const xcpTextConferenceManager = createXcpTextConferenceManager(
    { ids, router: xcpRouter, clock, log, metrics, domain },
    set['xcp-text-conference-manager'],
  );
  const serverRecoveryManager = createServerRecoveryManager(
    {
      ids,
      changeFeed,
      engine,
      isStoreShared: realTime.isShared,
      transport: stack.use(
        createRpcTransport({ tls, bind: config.bind, port: port(config.listeners.serverRecoveryManager), clock, log }),
      ),
      services: () => supervisor,
      users: createUserMover({ ids, loginDatastore, sipRegistrations, nodeName: config.node }),
      replicationState: () => 2,
      hostAnswers: (at) => hostAnswers(at, config.listeners.https, clock),
      hostId: await hostId(clock),
      isNodeGoingDown: () => !isListening,
      nodeName: config.node,
      clock,
      log,
      metrics,
      alarms,
      notifications,
    },
    set['server-recovery-manager'],
  );
  const services: MadeService[] = [
    made(dataMonitorDescriptor, dataMonitor),
    made(serverRecoveryManagerDescriptor, serverRecoveryManager),
    made(syncAgentDescriptor, syncAgent),
    made(routeDatastoreDescriptor, routeDatastore),
    made(loginDatastoreDescriptor, loginDatastore),
    made(sipRegistrationDatastoreDescriptor, sipRegistrations),
    made(presenceDatastoreDescriptor, presenceDatastore),
    made(xcpRouterDescriptor, xcpRouter),
    made(oamAgentDescriptor, oamAgent),
    made(clientProfileAgentDescriptor, clientProfileAgent),
    made(interclusterSyncAgentDescriptor, interclusterSyncAgent),
    made(configAgentDescriptor, configAgent),
    made(sipProxyDescriptor, sipProxy),
    made(presenceEngineDescriptor, presenceEngine),
    made(presenceWebServiceDescriptor, presenceWebService),
    made(rccDeviceSelectionDescriptor, rccDeviceSelection),
    made(xcpAuthenticationServiceDescriptor, xcpAuthentication),
    made(xcpConnectionManagerDescriptor, xcpConnectionManager),
    made(xcpWebConnectionManagerDescriptor, xcpWebConnectionManager),
    made(xcpTextConferenceManagerDescriptor, xcpTextConferenceManager),
  ];
  if (isFirstStart && mock) {
    for (const { descriptor } of services) {
      if (descriptor.kind === 'feature' && !descriptor.isOptIn) await activations.save(descriptor.name, true);
    }
  }
  const supervisor = stack.use(
    createSupervisor({ services, activations, gate: realTime.gate(dataMonitor), clock, log, alarms }),
  );
  realTime.onFirstAnswer(() => supervisor.poke());
  dataMonitor.onOpen(() => supervisor.poke());

  // Readiness and what administrators reach.
  let isReady = false;
  const readinessListeners: ((isReady: boolean) => void)[] = [];
  const judge = (): void => {
    const now = isListening && dataMonitor.isOpen && supervisor.isComplete;
    if (now === isReady) return;
    isReady = now;
    log.info({ isReady }, 'readiness changed');
    for (const each of readinessListeners) each(isReady);
  };
  supervisor.onChange(judge);
  const startedAt = clock.now();
  const adminLog = log.child({ subsystem: 'admin' });
  const audit = stack.use(await openAuditLog({ file: folder('logs', 'audit.log'), clock, log: adminLog, alarms }));
  const groups = { operate: config.admin.operateGroups, read: config.admin.readGroups };
  const admin = await createAdminFaces({
    token,
    log: adminLog,
    administrators: createAdministrators({ ids, credentials, throttle, groups }),
    origin: () => ({ host: address, port: listener.port }),
    context: {
      node: { name: config.node, version: options.version, domain, startedAt, dataFolder, isReady: () => isReady },
      supervisor,
      ids,
      changeFeed,
      alarms,
      notifications,
      clock,
      metrics,
      audit,
      restartNotices: stack.use(createRestartNotices({ supervisor, notifications })),
      syncWatch: stack.use(watchSync((each) => syncAgent.onProgress(each), clock)),
      sync: {
        overview: () => syncAgent.status(),
        onProgress: (each) => syncAgent.onProgress(each),
        request: (asked) => syncAgent.requestSync(asked),
        async userProblems() {
          const { duplicates, invalid } = await syncAgent.findUserProblems();
          return [
            ...[...duplicates].map(([directoryUri, users]) => ({
              problem: 'duplicate' as const,
              directoryUri,
              users: [...users],
            })),
            ...invalid.map(({ userid, directoryUri }) => ({
              problem: 'invalid' as const,
              directoryUri,
              users: [userid],
            })),
          ];
        },
      },
      rcc: rccDeviceSelection,
      peers: {
        list: () => interclusterSyncAgent.peers(),
        add: (peer) => interclusterSyncAgent.addPeer(peer),
        remove: (wanted) => interclusterSyncAgent.removePeer(wanted),
        sync: (wanted, asked) => interclusterSyncAgent.syncPeers(wanted, asked),
      },
      async presence(address) {
        try {
          const presentity = address.toLowerCase();
          return presenceOverview(presentity, await presenceDatastore.publicationsOf(presentity, PRESENCE_EVENT));
        } catch (error) {
          if (error instanceof ImpError && error.kind === 'unavailable') return null;
          throw error;
        }
      },
      replication: { state: 2, sentence: 'one node: nothing to replicate' },
      highAvailability: serverRecoveryManager.administration,
      certificates: {
        list: () => listCertificates(folder('certs'), clock),
        async renew() {
          await renewNode(folder('certs'), names, clock);
          certificates = await ensureCertificates(folder('certs'), names, clock);
          listener.renew(certificates.node);
          presenceListener.renew(certificates.node);
          sipProxy.renewTls(certificates);
          presenceEngine.renewTls(certificates);
          configAgent.renewTls(certificates);
          xcpConnectionManager.renewTls(certificates.node);
          xcpRouter.renewTls(certificates.node);
          xcpWebConnectionManager.renewTls(certificates.node);
          mock?.renew(certificates.node);
          return await listCertificates(folder('certs'), clock);
        },
      },
    },
  });
  listener.mount('/EPASSoap', createClientProfileAgentBusyApp());
  listener.mount('/rcc-device-selection', createRccBusyApp());
  listener.mount('/intercluster', createInterclusterBusyApp());
  presenceListener.mount('/presence-service', createPresenceWebServiceBusyApp());
  plainListener?.mount('/presence-service', createPresenceWebServiceBusyApp());
  listener.mount('/admin', admin.admin);
  listener.mount('/controlcenterservice2', admin.controlCenter);
  listener.mount(
    '/metrics',
    metricsHandler(() => metrics.render(), metrics.contentType, log),
  );
  listener.mount(
    '/healthz',
    plain(() => [200, 'ok']),
  );
  listener.mount(
    '/readyz',
    plain(() => (isReady ? [200, 'ready'] : [503, `not ready: ${waitingSentence(supervisor.status())}`])),
  );

  const url = (path: string): string => `https://${authority(address, listener.port)}${path}`;
  const parts = stack.move();
  const node: Node = {
    async start() {
      await listener.listen(config.bind, port(config.listeners.https));
      await presenceListener.listen(config.bind, port(config.listeners.presenceWebService));
      if (plainPort !== null) await plainListener?.listen(config.bind, port(plainPort));
      isListening = true;
    },
    run() {
      supervisor.startAll();
      judge();
    },
    endpoints: () => ({
      ready: isReady,
      node: config.node,
      pid: options.pid,
      domain,
      ca: certificates.caFile,
      cpa: url('/EPASSoap/service'),
      presenceWebService: `https://${authority(address, presenceListener.port)}/presence-service`,
      controlCenter: url('/controlcenterservice2/services/ControlCenterServices'),
      intercluster: url('/intercluster/soap'),
      admin: url('/admin'),
      adminToken: folder('admin.token'),
      metrics: url('/metrics'),
      ...sipEndpoints(sipProxy.sipAddresses()),
      ...xmppEndpoint(address, xcpConnectionManager.ports().startTls),
      ...xmppWebSocketEndpoint(address, xcpWebConnectionManager.port()),
      ...(mock && { mockCucm: { axl: cucm.url, ...MOCK_ADMINISTRATOR } }),
    }),
    onReadiness: (each) => void readinessListeners.push(each),
    onSyncProgress: (each) => void syncAgent.onProgress(each),
    summary: () => syncAgent.status().sentence.replace(/\.$/, ''),
    sampleCredentials: () =>
      mock && fixture
        ? {
            users: fixture.endUsers.slice(0, SAMPLE_USERS).map((user) => user.userid),
            password: MOCK_ADMINISTRATOR.password,
          }
        : undefined,
    async stop() {
      isListening = false;
      await supervisor.stopAll();
      judge();
      await Promise.all([listener.close(), presenceListener.close(), plainListener?.close()]);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
  return node;
}

function httpOptions({ http, services }: NodeFile, exempt: Networks, metrics: Metrics): HttpListenerOptions {
  const headMs = http.headSeconds * 1_000;
  const bodySeconds = Math.max(
    services['client-profile-agent'].bodySeconds,
    services['presence-web-service'].bodySeconds,
  );
  return {
    connections: createConnectionCap(
      { perAddress: http.connectionsPerAddress, total: http.connections, isExempt: exempt.has },
      metrics,
    ),
    // The services' own time comes first, as they say it in the words of their protocol.
    times: { headMs, wholeMs: headMs + bodySeconds * 1_000 },
  };
}

function made<Options>(descriptor: ServiceDescriptor<Options>, service: Service): MadeService {
  return { descriptor: descriptor as ServiceDescriptor<unknown>, service };
}

function plain(answer: () => readonly [number, string]): HttpHandler {
  return (_request: IncomingMessage, response: ServerResponse) => {
    const [status, text] = answer();
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`${text}\n`);
  };
}

function metricsHandler(render: () => Promise<string>, contentType: string, log: Log): HttpHandler {
  return (_request, response) => {
    render().then(
      (text) => {
        response.writeHead(200, { 'content-type': contentType });
        response.end(text);
      },
      (error: unknown) => {
        log.error({ err: error }, 'metrics could not be rendered');
        response.writeHead(500).end();
      },
    );
  };
}

function waitingSentence(services: ReturnType<ReturnType<typeof createSupervisor>['status']>): string {
  const waiting = services.filter((service) => service.isActivated && service.state !== 'Started');
  return waiting.map((service) => `${service.name} ${service.state} ${service.reason.text}`.trim()).join('; ');
}
