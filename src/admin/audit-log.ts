import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Alarms } from '../platform/alarms.ts';
import { type Clock, isoTime } from '../platform/clock.ts';
import { describeError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Caller } from './access/caller.ts';

/** One action of an administrator: who did what, from where, and how it ended. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly at: string;
  readonly by: string;
  readonly proof: Caller['proof'] | 'none';
  readonly face: Caller['face'];
  readonly address: string;
  /** A command's words, `sign-in` or `sign-out`. */
  readonly action: string;
  /** Without secrets. */
  readonly arguments?: unknown;
  readonly requestId?: string;
  /** `refused`: the caller's fault; `failed`: ours; `left`: the caller went away before the end. */
  readonly outcome: 'done' | 'refused' | 'failed' | 'left';
  /** Code of the error. */
  readonly error?: string;
}

/**
 * The audit log: a file of JSON lines that is only written to (docs/administration.md). An action that cannot be written
 * down is still done, as an administrator who mends a full disk needs them; an alarm says so.
 */
export interface AuditLog extends AsyncDisposable {
  record(entry: Omit<AuditEntry, 'at'>): void;
  /** Newest first. */
  recent(limit: number): readonly AuditEntry[];
}

export interface AuditLogNeeds {
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
}

const MOST_BYTES = 10 * 1024 * 1024;
const FILES_KEPT = 5;
const REMEMBERED = 1_000;
/** A name or an argument longer than this is cut: a guesser must not fill the disk. */
const LONGEST_TEXT = 200;
const SERVICE = 'admin';
const ALARM = 'AuditLogFailed';

export async function openAuditLog({ file, clock, log, alarms }: AuditLogNeeds): Promise<AuditLog> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const entries = await readEntries(file);
  let bytes = await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
  const open = (): WriteStream => {
    const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
    stream.on('error', (error) => {
      log.error({ err: describeError(error) }, 'the audit log cannot be written');
      alarms.raise(SERVICE, ALARM, 2, `the audit log cannot be written: ${describeError(error)}`);
    });
    stream.on('open', () => alarms.clear(SERVICE, ALARM));
    return stream;
  };
  let stream = open();
  let turning: Promise<void> = Promise.resolve();

  const rotate = async (full: WriteStream): Promise<void> => {
    await new Promise<void>((resolve) => full.end(resolve));
    for (let number = FILES_KEPT - 1; number >= 1; number -= 1) {
      const from = number === 1 ? file : `${file}.${number - 1}`;
      await rename(from, `${file}.${number}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    stream = open();
  };

  return {
    record(given) {
      const entry: AuditEntry = { at: isoTime(clock.now()), ...given, by: given.by.slice(0, LONGEST_TEXT) };
      entries.push(entry);
      if (entries.length > REMEMBERED) entries.shift();
      log.info({ audit: entry }, 'administrator action');
      const line = `${JSON.stringify(entry)}\n`;
      bytes += Buffer.byteLength(line);
      const isFull = bytes > MOST_BYTES;
      if (isFull) bytes = 0;
      turning = turning.then(async () => {
        if (stream.destroyed) stream = open();
        stream.write(line);
        if (!isFull) return;
        await rotate(stream).catch((error: unknown) => {
          log.error({ err: describeError(error) }, 'the audit log could not be turned over');
          if (stream.writableEnded) stream = open();
        });
      });
    },
    recent: (limit) => entries.slice(-limit).reverse(),
    async [Symbol.asyncDispose]() {
      await turning;
      await new Promise<void>((resolve) => {
        if (stream.destroyed) resolve();
        else {
          stream.once('close', resolve);
          stream.end();
        }
      });
    },
  };
}

async function readEntries(file: string): Promise<AuditEntry[]> {
  let text = '';
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return text
    .split('\n')
    .slice(-REMEMBERED - 1)
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as AuditEntry];
      } catch {
        // The last line of a process that was killed while it wrote.
        return [];
      }
    });
}
