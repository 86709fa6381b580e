import pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';

const RETRY_MS = 1_000;

/**
 * Hears `NOTIFY` on a connection of its own; after one is lost, on another, and then tells at once: what was missed is
 * in the log.
 */
export async function listenForChanges(needs: {
  readonly connection: pg.ClientConfig;
  readonly channel: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}): Promise<AsyncDisposable> {
  let client: pg.Client | undefined;
  let timer: Disposable | undefined;
  let isClosed = false;

  const open = async (): Promise<void> => {
    const made = new pg.Client({ ...needs.connection, keepAlive: true });
    const again = (error?: unknown): void => {
      if (client !== made && client !== undefined) return;
      client = undefined;
      if (isClosed || timer) return;
      needs.log.warn({ err: describeError(error ?? 'ended') }, 'changes of the database are not heard; trying again');
      timer = needs.clock.schedule(RETRY_MS, () => {
        timer = undefined;
        void open().then(needs.onChange, again);
      });
    };
    made.on('error', again);
    made.on('end', () => again());
    made.on('notification', needs.onChange);
    await made.connect();
    await made.query(`LISTEN ${needs.channel}`);
    client = made;
  };
  await open();
  return {
    async [Symbol.asyncDispose]() {
      isClosed = true;
      timer?.[Symbol.dispose]();
      await client?.end();
    },
  };
}
