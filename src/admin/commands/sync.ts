import { z } from 'zod';
import { isoTime } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import { type AnyCommand, command, streamCommand } from '../command.ts';
import type { SyncOutcome, SyncProgressEvent } from '../context.ts';

const progress = z.strictObject({
  type: z.literal('progress'),
  stage: z.string(),
  done: z.number(),
  total: z.number().nullable(),
});
const done = z.strictObject({
  type: z.literal('done'),
  users: z.number(),
  devices: z.number(),
  lines: z.number(),
  inserted: z.number(),
  updated: z.number(),
  deleted: z.number(),
  milliseconds: z.number(),
});

const stageShape = z.strictObject({
  stage: z.string(),
  done: z.number(),
  total: z.number().nullable(),
  startedAt: z.string().describe('ISO 8601'),
  lastAt: z.string().describe('ISO 8601'),
});

const overviewShape = z.strictObject({
  state: z.string(),
  sentence: z.string(),
  syncStatus: z.string(),
  fullSyncAt: z.string().nullable().describe('ISO 8601'),
  lastChangeAt: z.string().nullable().describe('ISO 8601'),
  errors: z.number(),
  runs: z
    .array(
      z.strictObject({
        startedAt: z.string().describe('ISO 8601'),
        lastAt: z.string().describe('ISO 8601'),
        stages: z.array(stageShape),
      }),
    )
    .describe('Syncs since the node started, the newest first'),
});

export type SyncStatus = z.infer<typeof overviewShape>;

/** Asks the Sync Agent for a sync and follows it to its end (docs/services/sync-agent.md). */
export const syncCommands: readonly AnyCommand[] = [
  streamCommand({
    isStream: true,
    words: ['sync'],
    summary: 'Asks the Sync Agent for a sync now, shows progress, ends when it is done.',
    access: 'operate',
    arguments: z.strictObject({
      full: z.boolean().default(false).describe('Compare everything, not only what changed'),
      acceptDeletions: z
        .boolean()
        .default(false)
        .describe('Delete even if CUCM returned less than half of the known users'),
    }),
    positional: [],
    result: z.discriminatedUnion('type', [progress, done]),
    async *stream(context, given, call) {
      const waiting: SyncProgressEvent[] = [];
      let wake: () => void = () => undefined;
      let outcome: SyncOutcome | undefined;
      let failure: unknown;
      let isOver = false;
      using _watch = context.sync.onProgress((event) => {
        waiting.push(event);
        wake();
      });
      context.sync
        .request(given)
        .then(
          (result) => {
            outcome = result;
          },
          (error: unknown) => {
            failure = error ?? new Error(describeError(error));
          },
        )
        .finally(() => {
          isOver = true;
          wake();
        });
      call.signal.addEventListener('abort', () => wake(), { once: true });
      while (!call.signal.aborted) {
        const event = waiting.shift();
        if (event) {
          yield { type: 'progress', ...event } as const;
          continue;
        }
        if (isOver) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure;
      if (outcome) yield { type: 'done', ...outcome } as const;
    },
    render: (item) =>
      item.type === 'progress'
        ? `${item.stage}: ${item.done}${item.total === null ? '' : ` of ${item.total}`}`
        : `done in ${(item.milliseconds / 1000).toFixed(1)} s: ${item.users} users, ${item.devices} devices, ${item.lines} lines; ` +
          `${item.inserted} added, ${item.updated} changed, ${item.deleted} removed`,
  }),
  command({
    words: ['sync', 'status'],
    summary: 'Shows how the sync with CUCM is, and the stages of the last ones.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: overviewShape,
    async run({ sync, syncWatch }) {
      const { fullSyncAt, lastChangeAt, ...same } = sync.overview();
      return {
        ...same,
        fullSyncAt: fullSyncAt === null ? null : isoTime(fullSyncAt),
        lastChangeAt: lastChangeAt === null ? null : isoTime(lastChangeAt),
        runs: syncWatch
          .runs()
          .map((run) => ({ ...run, stages: run.stages.map((stage) => ({ ...stage })) }))
          .reverse(),
      };
    },
    render: ({ state, sentence, runs }) =>
      [
        `${state}. ${sentence}`,
        ...(runs[0]?.stages ?? []).map(
          (each) => `  ${each.stage}: ${each.done}${each.total === null ? '' : ` of ${each.total}`}`,
        ),
      ].join('\n'),
  }),
];
