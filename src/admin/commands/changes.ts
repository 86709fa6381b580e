import { z } from 'zod';
import type { TracedChange } from '../../ids/change-feed.ts';
import { isoTime, sleep } from '../../platform/clock.ts';
import { type AnyCommand, streamCommand } from '../command.ts';
import type { AdminContext } from '../context.ts';

const handled = z.strictObject({ consumer: z.string(), at: z.string().describe('ISO 8601'), note: z.string() });

const changeShape = z.strictObject({
  type: z.literal('change'),
  seq: z.number(),
  at: z.string().describe('ISO 8601'),
  table: z.string(),
  operation: z.enum(['insert', 'update', 'delete']),
  key: z.string(),
  changed: z.array(z.string()),
  origin: z.string(),
  requestId: z.string(),
  handledBy: z.array(handled),
  waitingFor: z.array(z.string()),
});

const handledShape = z.strictObject({
  type: z.literal('handled'),
  seq: z.number(),
  consumer: z.string(),
  at: z.string().describe('ISO 8601'),
  millisecondsAfter: z.number().describe('From commit to acknowledgement'),
  note: z.string(),
});

export type ChangeItem = z.infer<typeof changeShape> | z.infer<typeof handledShape>;

const OPERATIONS = { i: 'insert', u: 'update', d: 'delete' } as const;
/** How often a follower looks; it costs nothing while nobody follows. */
const LOOK_EVERY_MS = 100;
const PAGE = 500;
/** Changes whose acknowledgements are awaited at once; older ones are given up on, so that memory is bounded. */
const MOST_PENDING = 2_000;

function view(change: TracedChange): z.infer<typeof changeShape> {
  return {
    type: 'change',
    seq: change.seq,
    at: isoTime(change.at),
    table: change.table,
    operation: OPERATIONS[change.op],
    key: change.key.replaceAll('\u001f', ' '),
    changed: [...change.changed],
    origin: change.origin,
    requestId: change.requestId,
    handledBy: change.handledBy.map((each) => ({ consumer: each.consumer, at: isoTime(each.at), note: each.note })),
    waitingFor: [...change.waitingFor],
  };
}

async function* follow(context: AdminContext, afterSeq: number, signal: AbortSignal): AsyncIterable<ChangeItem> {
  let shownSeq = afterSeq;
  /** Consumers already reported, by sequence number; an entry lives until nobody is waited for. */
  const pending = new Map<number, Set<string>>();
  while (!signal.aborted) {
    const oldest = Math.min(shownSeq, ...[...pending.keys()].map((seq) => seq - 1));
    let from = oldest;
    for (;;) {
      const page = await context.changeFeed.trace({ afterSeq: from, limit: PAGE });
      for (const change of page) {
        const isNew = change.seq > shownSeq;
        if (!isNew && !pending.has(change.seq)) continue;
        if (isNew) {
          shownSeq = change.seq;
          yield { ...view(change), handledBy: [] };
          pending.set(change.seq, new Set());
        }
        const reported = pending.get(change.seq) ?? new Set<string>();
        for (const each of change.handledBy) {
          if (reported.has(each.consumer)) continue;
          reported.add(each.consumer);
          yield {
            type: 'handled',
            seq: change.seq,
            consumer: each.consumer,
            at: isoTime(each.at),
            millisecondsAfter: each.at - change.at,
            note: each.note,
          };
        }
        if (change.waitingFor.length === 0) pending.delete(change.seq);
      }
      const last = page.at(-1);
      if (page.length < PAGE || !last) break;
      from = last.seq;
    }
    for (const seq of pending.keys()) {
      if (pending.size <= MOST_PENDING) break;
      pending.delete(seq);
    }
    await sleep(context.clock, LOOK_EVERY_MS, signal).catch(() => undefined);
  }
}

/** The change feed with its trace: who has handled each change, and when (docs/services/ids.md). */
export const changesCommands: readonly AnyCommand[] = [
  streamCommand({
    isStream: true,
    words: ['changes'],
    summary: 'Shows the newest changes of the IDS and who has handled them; --follow goes on live.',
    access: 'read',
    arguments: z.strictObject({
      follow: z.boolean().default(false).describe('Go on until interrupted'),
      limit: z.coerce.number().int().min(0).max(1000).default(20).describe('How many past changes to show first'),
      after: z.coerce.number().int().min(0).optional().describe('Start after this sequence number instead'),
    }),
    positional: [],
    result: z.discriminatedUnion('type', [changeShape, handledShape]),
    async *stream(context, given, call) {
      if (given.follow && given.after !== undefined) {
        yield* follow(context, given.after, call.signal);
        return;
      }
      const last = await context.changeFeed.lastSeq();
      const page =
        given.after === undefined
          ? await context.changeFeed.trace({ limit: given.limit })
          : await context.changeFeed.trace({ afterSeq: given.after, limit: given.limit });
      for (const change of page) yield view(change);
      if (given.follow) yield* follow(context, Math.max(last, page.at(-1)?.seq ?? 0), call.signal);
    },
    render(item) {
      if (item.type === 'handled')
        return `  ${item.seq} ✓ ${item.consumer} after ${item.millisecondsAfter} ms${item.note === '' ? '' : `: ${item.note}`}`;
      const columns = item.changed.length > 0 ? ` (${item.changed.join(', ')})` : '';
      const lines = [`${item.seq} ${item.at} ${item.origin} ${item.operation} ${item.table} ${item.key}${columns}`];
      for (const each of item.handledBy) {
        lines.push(`  ✓ ${each.consumer} ${each.at}${each.note === '' ? '' : `: ${each.note}`}`);
      }
      if (item.waitingFor.length > 0) lines.push(`  … ${item.waitingFor.join(', ')}`);
      return lines.join('\n');
    },
  }),
];
