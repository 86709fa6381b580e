import { z } from 'zod';
import { clientProfileAgentDescriptor } from '../services/client-profile-agent/client-profile-agent.ts';
import { configAgentDescriptor } from '../services/config-agent/config-agent.ts';
import { dataMonitorDescriptor } from '../services/data-monitor/data-monitor.ts';
import { interclusterSyncAgentDescriptor } from '../services/intercluster-sync-agent/intercluster-sync-agent.ts';
import { loginDatastoreDescriptor } from '../services/login-datastore/login-datastore.ts';
import { oamAgentDescriptor } from '../services/oam-agent/oam-agent.ts';
import { presenceDatastoreDescriptor } from '../services/presence-datastore/presence-datastore.ts';
import { presenceEngineDescriptor } from '../services/presence-engine/presence-engine.ts';
import { presenceWebServiceDescriptor } from '../services/presence-web-service/presence-web-service.ts';
import { rccDeviceSelectionDescriptor } from '../services/rcc-device-selection/rcc-device-selection.ts';
import { routeDatastoreDescriptor } from '../services/route-datastore/route-datastore.ts';
import { serverRecoveryManagerDescriptor } from '../services/server-recovery-manager/server-recovery-manager.ts';
import { sipProxyDescriptor } from '../services/sip-proxy/sip-proxy.ts';
import { sipRegistrationDatastoreDescriptor } from '../services/sip-registration-datastore/sip-registration-datastore.ts';
import { syncAgentDescriptor } from '../services/sync-agent/sync-agent.ts';
import { xcpAuthenticationServiceDescriptor } from '../services/xcp-authentication-service/xcp-authentication-service.ts';
import { xcpConnectionManagerDescriptor } from '../services/xcp-connection-manager/xcp-connection-manager.ts';
import { xcpRouterDescriptor } from '../services/xcp-router/xcp-router.ts';
import { xcpTextConferenceManagerDescriptor } from '../services/xcp-text-conference-manager/xcp-text-conference-manager.ts';
import { xcpWebConnectionManagerDescriptor } from '../services/xcp-web-connection-manager/xcp-web-connection-manager.ts';

/** The register: every service of the node, in the order of starting (docs/services/supervisor.md). */
export const descriptors = [
  dataMonitorDescriptor,
  serverRecoveryManagerDescriptor,
  syncAgentDescriptor,
  routeDatastoreDescriptor,
  loginDatastoreDescriptor,
  sipRegistrationDatastoreDescriptor,
  presenceDatastoreDescriptor,
  xcpRouterDescriptor,
  oamAgentDescriptor,
  clientProfileAgentDescriptor,
  interclusterSyncAgentDescriptor,
  configAgentDescriptor,
  sipProxyDescriptor,
  presenceEngineDescriptor,
  presenceWebServiceDescriptor,
  rccDeviceSelectionDescriptor,
  xcpAuthenticationServiceDescriptor,
  xcpConnectionManagerDescriptor,
  xcpWebConnectionManagerDescriptor,
  xcpTextConferenceManagerDescriptor,
] as const;

/** `services:` of the node file: the options of each service under its name. */
export const serviceOptions = z.strictObject({
  'data-monitor': dataMonitorDescriptor.options.prefault({}).describe(dataMonitorDescriptor.purpose),
  'server-recovery-manager': serverRecoveryManagerDescriptor.options
    .prefault({})
    .describe(serverRecoveryManagerDescriptor.purpose),
  'sync-agent': syncAgentDescriptor.options.prefault({}).describe(syncAgentDescriptor.purpose),
  'route-datastore': routeDatastoreDescriptor.options.prefault({}).describe(routeDatastoreDescriptor.purpose),
  'login-datastore': loginDatastoreDescriptor.options.prefault({}).describe(loginDatastoreDescriptor.purpose),
  'sip-registration-datastore': sipRegistrationDatastoreDescriptor.options
    .prefault({})
    .describe(sipRegistrationDatastoreDescriptor.purpose),
  'presence-datastore': presenceDatastoreDescriptor.options.prefault({}).describe(presenceDatastoreDescriptor.purpose),
  'xcp-router': xcpRouterDescriptor.options.prefault({}).describe(xcpRouterDescriptor.purpose),
  'oam-agent': oamAgentDescriptor.options.prefault({}).describe(oamAgentDescriptor.purpose),
  'client-profile-agent': clientProfileAgentDescriptor.options
    .prefault({})
    .describe(clientProfileAgentDescriptor.purpose),
  'intercluster-sync-agent': interclusterSyncAgentDescriptor.options
    .prefault({})
    .describe(interclusterSyncAgentDescriptor.purpose),
  'config-agent': configAgentDescriptor.options.prefault({}).describe(configAgentDescriptor.purpose),
  'sip-proxy': sipProxyDescriptor.options.prefault({}).describe(sipProxyDescriptor.purpose),
  'presence-engine': presenceEngineDescriptor.options.prefault({}).describe(presenceEngineDescriptor.purpose),
  'presence-web-service': presenceWebServiceDescriptor.options
    .prefault({})
    .describe(presenceWebServiceDescriptor.purpose),
  'rcc-device-selection': rccDeviceSelectionDescriptor.options
    .prefault({})
    .describe(rccDeviceSelectionDescriptor.purpose),
  'xcp-authentication-service': xcpAuthenticationServiceDescriptor.options
    .prefault({})
    .describe(xcpAuthenticationServiceDescriptor.purpose),
  'xcp-connection-manager': xcpConnectionManagerDescriptor.options
    .prefault({})
    .describe(xcpConnectionManagerDescriptor.purpose),
  'xcp-web-connection-manager': xcpWebConnectionManagerDescriptor.options
    .prefault({})
    .describe(xcpWebConnectionManagerDescriptor.purpose),
  'xcp-text-conference-manager': xcpTextConferenceManagerDescriptor.options
    .prefault({})
    .describe(xcpTextConferenceManagerDescriptor.purpose),
});
