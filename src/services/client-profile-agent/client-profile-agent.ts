import { z } from 'zod';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { DEFAULT_BODY_LIMITS } from '../../platform/http-body.ts';
import type { HttpsListener } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import type { SignIn } from '../../sign-in/sign-in.ts';
import type { ClientSession, LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { createClientProfileAgentApp } from './app.ts';
import { createContactListCache } from './contacts/contact-list-cache.ts';
import { createCpaCounters } from './counters.ts';
import { loadInterfaceDocuments } from './documents.ts';
import { CPA_SERVICE } from './parameters.ts';
import { createSessionGuard, FOLLOWED_TABLES } from './session-guard.ts';
import { BASE_PATH } from './urls.ts';

export { createClientProfileAgentApp, createClientProfileAgentBusyApp } from './app.ts';

const MIB = 1024 * 1024;

const optionsSchema = z.strictObject({
  maxContactListSize: z.number().int().min(1).max(10_000).default(200).describe('Most contacts of one user.'),
  maxBodyBytes: z.number().int().min(1024).default(DEFAULT_BODY_LIMITS.maxBytes).describe('Largest request body.'),
  bodySeconds: z
    .number()
    .min(1)
    .max(600)
    .default(60)
    .describe('Seconds within which a request body must have arrived.'),
  maxConcurrentRequests: z
    .number()
    .int()
    .min(1)
    .default(1_000)
    .describe('Requests worked on at once; more are told to try later.'),
  contactListCacheMiB: z
    .number()
    .min(0)
    .default(128)
    .describe('Most memory for contact lists kept as they are sent, in MiB.'),
});

export type ClientProfileAgentOptions = z.infer<typeof optionsSchema>;

export const clientProfileAgentDescriptor: ServiceDescriptor<ClientProfileAgentOptions> = {
  name: CPA_SERVICE,
  title: 'Cisco Client Profile Agent',
  purpose: 'Provides a secure SOAP interface to or from external clients using HTTPS.',
  kind: 'network',
  isXcp: false,
  dependsOn: ['login-datastore', 'route-datastore'],
  waitsForDataMonitor: true,
  conformance: [
    { spec: 'EPASSoap (Client Configuration Web Service)', status: 'complete' },
    { spec: 'SOAP 1.2 and 1.1, document/literal', status: 'complete' },
    { spec: 'WS-Addressing 1.0: headers understood and answered', status: 'partial' },
  ],
  options: optionsSchema,
};

export interface ClientProfileAgentNeeds {
  readonly listener: HttpsListener;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly loginDatastore: LoginDatastore;
  readonly routeDatastore: RouteDatastore;
  /** The log-in, shared with the Presence Web Service. */
  readonly signIn: SignIn<ClientSession>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** Host name or address under which clients reach the node; with the listener's port it goes into the WSDL. */
  readonly host: string;
  /** The presence domain of the system. */
  readonly domain: string;
}

/**
 * The Client Profile Agent (docs/services/client-profile-agent.md). Mounts itself on `/EPASSoap` while it is started;
 * the node mounts `createClientProfileAgentBusyApp` beneath it for the time it is not.
 */
export function createClientProfileAgent(needs: ClientProfileAgentNeeds, options: ClientProfileAgentOptions): Service {
  const log = needs.log.child({ subsystem: CPA_SERVICE });
  const counters = createCpaCounters(needs.metrics);
  let isServing = false;
  return {
    async start(scope) {
      const documents = await loadInterfaceDocuments();
      const contactLists = createContactListCache(needs.ids, options.contactListCacheMiB * MIB);
      const app = createClientProfileAgentApp({
        ...needs,
        log,
        counters,
        documents,
        contactLists,
        maxContacts: options.maxContactListSize,
        maxConcurrentRequests: options.maxConcurrentRequests,
        bodyLimits: { maxBytes: options.maxBodyBytes, timeoutMs: options.bodySeconds * 1_000 },
        address: () => ({ host: needs.host, port: needs.listener.port }),
      });
      const guard = createSessionGuard({ ...needs, contactLists });
      scope.run((signal) =>
        needs.changeFeed.follow(
          // What it keeps lives in memory: each start begins with a look at everybody who is signed in.
          { consumer: CPA_SERVICE, tables: FOLLOWED_TABLES, start: 'snapshot', signal },
          (batch) => guard.apply(batch),
        ),
      );
      const mounted = needs.listener.mount(BASE_PATH, app);
      isServing = true;
      scope.defer(() => {
        isServing = false;
        mounted[Symbol.dispose]();
      });
    },
    detail: () => (isServing ? `serves ${BASE_PATH}/service` : 'not serving'),
  };
}
