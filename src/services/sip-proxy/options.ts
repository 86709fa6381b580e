import { z } from 'zod';
import { DEFAULT_CONNECTION_LIMITS } from '../../sip/transport/options.ts';

const whole = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);

/** `services.sip-proxy` of the node file. */
export const sipProxyOptions = z.strictObject({
  pollSeconds: whole(1, 3600)
    .default(30)
    .describe('How often the configuration file is looked at, should a call of the Config Agent be lost.'),
  minExpiresSeconds: whole(1, 3600)
    .default(60)
    .describe('The shortest registration; a shorter one is refused with 423 and told this.'),
  maxExpiresSeconds: whole(60, 86_400).default(3600).describe('The longest registration; a longer one is cut to it.'),
  defaultExpiresSeconds: whole(60, 86_400).default(3600).describe('A registration that names no time.'),
  digestAlgorithms: z
    .array(z.enum(['MD5', 'SHA-256']))
    .min(1)
    .default(['MD5', 'SHA-256'])
    .describe('What users may prove themselves with, in the order of offering: many phones look at the first only.'),
  contactsPerUser: whole(1, 100).default(10).describe('Most contacts that one user registers.'),
  maxMessageBytes: whole(1, 65_000)
    .default(8192)
    .describe('Most bytes of content that a MESSAGE carries; a longer one is refused with 413.'),
  ringSeconds: whole(181, 3600).default(185).describe('How long an INVITE may ring without a word (timer C).'),
  connectionsPerAddress: whole(1, 100_000)
    .default(DEFAULT_CONNECTION_LIMITS.perAddress)
    .describe('Connections that one address may hold open.'),
  maxConnections: whole(1, 1_000_000)
    .default(DEFAULT_CONNECTION_LIMITS.total)
    .describe('Connections that all addresses together may hold open.'),
  bytesPerSecond: whole(1024, 1_000_000_000)
    .default(DEFAULT_CONNECTION_LIMITS.bytesPerSecond)
    .describe('Bytes a second that one connection may send on average; more is read later.'),
  idleSeconds: whole(30, 86_400)
    .default(DEFAULT_CONNECTION_LIMITS.idleMs / 1_000)
    .describe('A connection without a byte for so long is closed.'),
  maxTransactions: whole(100, 10_000_000)
    .default(200_000)
    .describe('Requests held at once; further ones are answered 503.'),
});

export type SipProxyOptions = z.infer<typeof sipProxyOptions>;
