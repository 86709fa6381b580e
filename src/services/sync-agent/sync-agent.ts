import { z } from 'zod';
import type { AxlClient } from '../../axl/client.ts';
import { AxlError } from '../../axl/errors.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Staging } from '../../ids/staging.ts';
import type { Alarms } from '../../platform/alarms.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { newRequestId, withRequest } from '../../platform/request-context.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import { breathe } from './apply.ts';
import { type AxlReader, createAxlReader } from './axl-reader.ts';
import { type DirectoryUriFindings, findDirectoryUriProblems } from './directory-uris.ts';
import { writeStatus } from './sync-record.ts';
import { createSyncRunner, type SyncResult } from './sync-runner.ts';
import { isLegalStep, productStatus, type SyncState, syncSentence } from './sync-state.ts';

const optionsSchema = z.strictObject({
  pollIntervalSeconds: z
    .number()
    .min(1)
    .max(7200)
    .default(60)
    .describe('How often CUCM is asked for changes; 2 beside the mock CUCM.'),
  fullSyncHours: z
    .number()
    .min(1)
    .max(168)
    .default(24)
    .describe('Everything is compared with CUCM when the last comparison is older than this.'),
  pageRows: z.number().int().min(10).max(5000).default(1000).describe('Objects asked of CUCM at once.'),
  sqlPageRows: z.number().int().min(100).max(50_000).default(5_000).describe('Rows asked of CUCM at once by SQL.'),
});

export type SyncAgentOptions = z.infer<typeof optionsSchema>;

/**
 * Keeps IM and Presence data synchronized with Cisco Unified Communications Manager data: sends SOAP requests for the
 * data of interest, follows change notifications, and updates the IDS (docs/services/sync-agent.md).
 */
export const syncAgentDescriptor: ServiceDescriptor<SyncAgentOptions> = {
  name: 'sync-agent',
  title: 'Cisco Sync Agent',
  purpose:
    'Keeps users, devices, lines and groups equal to those of CUCM, by AXL, and follows its change notifications.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: false,
  conformance: [{ spec: 'AXL 12.5', status: 'partial' }],
  options: optionsSchema,
};

export interface SyncAgentNeeds {
  readonly ids: Ids;
  readonly staging: Staging;
  readonly axl: AxlClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly node: { readonly name: string; readonly address: string; readonly isPublisher: boolean };
  /** The AXL user, for the record. */
  readonly axlUser: string;
  /** Default presence domain. */
  readonly domain: string;
}

export interface SyncStatus {
  readonly state: SyncState['name'];
  readonly sentence: string;
  readonly syncStatus: string;
  readonly fullSyncAt: number | null;
  readonly lastChangeAt: number | null;
  readonly errors: number;
}

export interface SyncProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number | null;
}

export interface SyncAgent extends Service {
  status(): SyncStatus;
  onProgress(listener: (progress: SyncProgress) => void): Disposable;
  /** Called at each change of state. */
  onChange(listener: () => void): Disposable;
  /** The sync was completed in this run. */
  readonly isSyncComplete: () => boolean;
  /** When a sync of an earlier run was completed; null when none stands in the IDS. */
  readonly earlierSyncAt: () => number | null;
  /** CUCM was tried and cannot be used. */
  readonly isCucmAway: () => boolean;
  /**
   * Syncs now: everything, or what changed since. Resolves when done.
   * @throws ImpError `sync.not-running`, `sync.not-publisher`; AxlError
   */
  requestSync(asked: { readonly full: boolean; readonly acceptDeletions: boolean }): Promise<SyncResult>;
  /** Shared and invalid directory URIs of all users, as they are now. */
  findUserProblems(): Promise<DirectoryUriFindings>;
}

interface Request {
  readonly full: boolean;
  readonly acceptDeletions: boolean;
  readonly resolve: (result: SyncResult) => void;
  readonly reject: (error: unknown) => void;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 60_000;

export function createSyncAgent(needs: SyncAgentNeeds, options: SyncAgentOptions): SyncAgent {
  const { ids, axl, clock, alarms } = needs;
  const log = needs.log.child({ subsystem: 'sync-agent' });
  const errorCount = needs.metrics.gauge('NumberOfSyncErrors', 'Failed syncs and polls since the service started');
  const stateListeners = new Set<() => void>();
  const progressListeners = new Set<(progress: SyncProgress) => void>();
  const requests: Request[] = [];

  let state: SyncState = { name: 'NeverSynced' };
  let errors = 0;
  let failures = 0;
  let isRunning = false;
  let patientUntil: number | null = null;
  let isAsking = false;
  let wake: () => void = () => undefined;

  const facts = () => {
    const { users, place, fullSyncAt } = runner.memory;
    return { users, place: place?.nextChangeId ?? 0, fullSyncAt, patientUntil, isAsking };
  };
  const syncStatus = (): string => {
    const { lastChangeAt, isComplete } = runner.memory;
    return productStatus(state, { at: lastChangeAt ?? clock.now(), isComplete });
  };

  const enter = (next: SyncState): void => {
    if (next.name !== state.name) {
      if (!isLegalStep(state.name, next.name)) log.error({ from: state.name, to: next.name }, 'unforeseen state');
      log.info({ from: state.name, to: next.name }, 'state changed');
    }
    state = next;
    for (const listener of stateListeners) listener();
  };

  const runner = createSyncRunner({
    ids,
    staging: needs.staging,
    axl,
    clock,
    log,
    metrics: needs.metrics,
    alarms,
    ownNames: [needs.node.name, needs.node.address],
    domain: needs.domain,
    fullSyncHours: options.fullSyncHours,
    onProgress(stage, done, total) {
      enter({ name: runner.memory.fullSyncAt === null ? 'Syncing' : 'Resync', stage, done, total });
      for (const listener of progressListeners) listener({ stage, done, total });
    },
    onInSync: () => enter({ name: 'InSync' }),
  });

  const record = async (): Promise<void> => {
    await ids.transaction('node', (trx) =>
      writeStatus(trx, { host: axl.host, user: needs.axlUser, state: state.name, syncStatus: syncStatus() }),
    );
  };

  const clearAlarms = (): void => {
    for (const name of [
      'SyncAgentAXLConnectionFailed',
      'SyncAgentCucmDbmonConnectionFailed',
      'DbmonQueueWorkerExistWithError',
    ]) {
      alarms.clear('sync-agent', name);
    }
  };

  /** One turn: whatever is due now. */
  const turn = async (reader: AxlReader, asked: readonly Request[]): Promise<SyncResult> => {
    const result = await runner.turn(reader, {
      full: asked.some((request) => request.full),
      acceptDeletions: asked.some((request) => request.acceptDeletions),
    });
    clearAlarms();
    failures = 0;
    const { withheld } = runner.memory;
    enter(withheld === null ? { name: 'Following' } : { name: 'Degraded', reason: withheld, retryAt: null });
    return result;
  };

  /** What went wrong, for people; answers how long to wait, or null when only a person can help. */
  const fail = (error: unknown): number | null => {
    errors += 1;
    errorCount.set(errors);
    failures += 1;
    const reason = describeError(error);
    const needsPerson = error instanceof AxlError && error.isLatched;
    const pauseMs = needsPerson ? null : Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MOST_MS);
    if (!(error instanceof AxlError)) alarms.raise('sync-agent', 'DbmonQueueWorkerExistWithError', 3, reason);
    else if (runner.memory.isComplete) alarms.raise('sync-agent', 'SyncAgentCucmDbmonConnectionFailed', 3, reason);
    else alarms.raise('sync-agent', 'SyncAgentAXLConnectionFailed', 2, reason);
    log[failures === 1 ? 'warn' : 'info']({ err: reason, failures, pauseMs }, 'CUCM could not be synced');
    enter({
      name: 'Degraded',
      reason: needsPerson ? `${reason}; mend it, then run: imp sync` : reason,
      retryAt: pauseMs === null ? null : clock.now() + pauseMs,
    });
    return pauseMs;
  };

  const untilDue = async (ms: number | null, signal: AbortSignal): Promise<void> => {
    if (requests.length > 0) return;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        over.abort();
        resolve();
      };
      wake = finish;
      signal.addEventListener('abort', finish, { once: true });
      if (ms !== null) sleep(clock, ms, either).then(finish, () => undefined);
      if (signal.aborted) finish();
      over.signal.addEventListener('abort', () => signal.removeEventListener('abort', finish), { once: true });
    });
    wake = () => undefined;
  };

  const loop = async (signal: AbortSignal): Promise<void> => {
    const reader = createAxlReader({
      axl,
      clock,
      log,
      signal,
      pageRows: options.pageRows,
      sqlPageRows: options.sqlPageRows,
      onPatience(until) {
        patientUntil = until;
      },
    });
    let hasStatus = '';
    while (!signal.aborted) {
      const asked = requests.splice(0);
      // A person has looked at it: the password may be tried again.
      if (asked.length > 0) axl.retryCredentials();
      let pauseMs: number | null = options.pollIntervalSeconds * 1000;
      isAsking = true;
      try {
        const result = await withRequest(newRequestId(), () => turn(reader, asked));
        for (const request of asked) request.resolve(result);
      } catch (error) {
        for (const request of asked) request.reject(error);
        isAsking = false;
        if (signal.aborted) return;
        pauseMs = fail(error);
      }
      isAsking = false;
      patientUntil = null;
      const status = `${state.name} ${runner.memory.isComplete}`;
      if (status !== hasStatus) {
        try {
          await record();
          hasStatus = status;
        } catch (error) {
          // A disk that is full stands in the way of this too: it is told by `detail`, and written when there is room.
          log.warn({ err: describeError(error) }, 'the state could not be stored');
        }
      }
      await untilDue(pauseMs, signal);
    }
  };

  return {
    async start(scope: Scope) {
      errors = 0;
      failures = 0;
      errorCount.set(0);
      await runner.load();
      if (!needs.node.isPublisher) {
        enter({ name: 'Waiting' });
        return;
      }
      state = { name: runner.memory.fullSyncAt === null ? 'NeverSynced' : 'InSync' };
      isRunning = true;
      scope.defer(() => {
        isRunning = false;
        enter({ name: 'Stopped' });
        for (const request of requests.splice(0)) request.reject(notRunning());
      });
      scope.run(loop);
    },
    detail: () => syncSentence(state, facts()),
    status: () => ({
      state: state.name,
      sentence: syncSentence(state, facts()),
      syncStatus: syncStatus(),
      fullSyncAt: runner.memory.fullSyncAt,
      lastChangeAt: runner.memory.lastChangeAt,
      errors,
    }),
    onProgress(listener) {
      progressListeners.add(listener);
      return { [Symbol.dispose]: () => void progressListeners.delete(listener) };
    },
    onChange(listener) {
      stateListeners.add(listener);
      return { [Symbol.dispose]: () => void stateListeners.delete(listener) };
    },
    isSyncComplete: () => runner.memory.isComplete,
    earlierSyncAt: () => runner.memory.fullSyncAt,
    isCucmAway: () => state.name === 'Degraded',
    findUserProblems: () => findDirectoryUriProblems(ids, breathe),
    requestSync(asked) {
      if (state.name === 'Waiting') {
        return Promise.reject(
          new ImpError('conflict', 'sync.not-publisher', 'only the publisher syncs with CUCM: ask there'),
        );
      }
      if (!isRunning) return Promise.reject(notRunning());
      return new Promise((resolve, reject) => {
        requests.push({ ...asked, resolve, reject });
        wake();
      });
    },
  };
}

function notRunning(): ImpError {
  return new ImpError('unavailable', 'sync.not-running', 'the Sync Agent is not running');
}
