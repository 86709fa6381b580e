import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Agent, request } from 'undici';
import type { AlarmEvent, Alarms } from '../../platform/alarms.ts';
import { type Clock, isoTime } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { createDeliveryQueue, type DeliveryNeeds, type DeliveryQueue } from './delivery-queue.ts';
import type { AlarmDeliveryOptions, SyslogOptions, WebhookOptions } from './options.ts';
import { syslogMessage } from './syslog-message.ts';
import { createSyslogSender } from './syslog-sender.ts';

export interface AlarmDeliveryNeeds {
  readonly alarms: Alarms;
  readonly node: { readonly name: string; readonly pid: number };
  /** What relative paths of the options mean. */
  readonly baseFolder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const WEBHOOK_MS = 10_000;

/**
 * Hands every alarm that is raised or clears to syslog servers and webhooks (docs/administration.md). What cannot be
 * delivered now is tried again, in order; nothing of it holds anybody up.
 * @throws ImpError `alarms.unreadable-file`
 */
export async function openAlarmDelivery(
  needs: AlarmDeliveryNeeds,
  options: AlarmDeliveryOptions,
): Promise<AsyncDisposable> {
  const senders = [
    ...(await Promise.all(options.syslog.map((each) => openSyslog(needs, each)))),
    ...(await Promise.all(options.webhooks.map((each) => openWebhook(needs, each)))),
  ];
  const queues: DeliveryQueue[] = senders.map(({ target, send }) => createDeliveryQueue({ ...needs, target, send }));
  const hearing = needs.alarms.onEvent((event) => {
    for (const queue of queues) queue.push(event);
  });
  return {
    async [Symbol.asyncDispose]() {
      hearing[Symbol.dispose]();
      await Promise.all(queues.map((queue) => queue[Symbol.asyncDispose]()));
      for (const sender of senders) await sender.close();
    },
  };
}

interface Sender extends Pick<DeliveryNeeds, 'target' | 'send'> {
  close(): Promise<void> | void;
}

async function openSyslog(needs: AlarmDeliveryNeeds, options: SyslogOptions): Promise<Sender> {
  const sender = createSyslogSender(options, await readOptional(needs, options.caFile));
  const origin = { node: needs.node.name, pid: needs.node.pid, facility: options.facility };
  return {
    target: sender.target,
    send: (event, signal) => sender.send(syslogMessage(event, origin), signal),
    close: () => sender[Symbol.dispose](),
  };
}

async function openWebhook(needs: AlarmDeliveryNeeds, options: WebhookOptions): Promise<Sender> {
  const secret = (await readOptional(needs, options.secretFile))?.trim();
  const ca = await readOptional(needs, options.caFile);
  const agent = new Agent({
    connect: ca === undefined ? {} : { ca },
    headersTimeout: WEBHOOK_MS,
    bodyTimeout: WEBHOOK_MS,
  });
  const { origin, pathname } = new URL(options.url);
  return {
    // Without the query, which may hold a secret.
    target: `webhook ${origin}${pathname}`,
    async send(event, signal) {
      const body = JSON.stringify(webhookBody(event, needs.node.name));
      const signature = secret === undefined ? undefined : createHmac('sha256', secret).update(body).digest('hex');
      const answer = await request(options.url, {
        method: 'POST',
        dispatcher: agent,
        headers: {
          'content-type': 'application/json',
          ...(signature !== undefined && { 'x-imp-signature': `sha256=${signature}` }),
        },
        body,
        signal,
      });
      await answer.body.dump({ limit: 64 * 1024 });
      if (answer.statusCode >= 300) {
        throw new ImpError('unavailable', 'alarms.webhook', `the webhook answered HTTP ${answer.statusCode}`);
      }
    },
    close: () => agent.destroy(),
  };
}

/** What a webhook is told. */
export function webhookBody({ kind, at, alarm }: AlarmEvent, node: string): object {
  const { name, service, severity, message, raisedAt, count } = alarm;
  return {
    event: kind,
    at: isoTime(at),
    node,
    alarm: { name, service, severity, message, raisedAt: isoTime(raisedAt), count },
  };
}

async function readOptional(needs: AlarmDeliveryNeeds, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(resolve(needs.baseFolder, file), 'utf8');
  } catch (cause) {
    throw new ImpError('invalid', 'alarms.unreadable-file', `the file ${file} cannot be read`, { cause });
  }
}
