import { z } from 'zod';

const syslog = z.strictObject({
  host: z.string().min(1).describe('Host name or address of the syslog server.'),
  port: z.number().int().min(1).max(65535).optional().describe('Default: 514 by UDP, 601 by TCP, 6514 by TLS.'),
  transport: z.enum(['udp', 'tcp', 'tls']).default('udp').describe('udp (RFC 5426), tcp (RFC 6587) or tls (RFC 5425).'),
  facility: z.number().int().min(0).max(23).default(16).describe('Facility of RFC 5424; 16 is local0.'),
  caFile: z.string().optional().describe('PEM file of the authority that verifies a TLS server.'),
});

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).describe('Where events are posted to.'),
  secretFile: z
    .string()
    .optional()
    .describe('A file that holds the secret that events are signed with (X-Imp-Signature); absent: not signed.'),
  caFile: z.string().optional().describe('PEM file of the authority that verifies the server.'),
});

/** The section `alarms` of the node file. */
export const alarmDeliveryOptions = z.strictObject({
  syslog: z.array(syslog).default([]).describe('Syslog servers that hear of every alarm.'),
  webhooks: z.array(webhook).default([]).describe('URLs that every alarm is posted to as JSON.'),
});

export type AlarmDeliveryOptions = z.infer<typeof alarmDeliveryOptions>;
export type SyslogOptions = z.infer<typeof syslog>;
export type WebhookOptions = z.infer<typeof webhook>;
