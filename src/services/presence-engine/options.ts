import { isIP } from 'node:net';
import { z } from 'zod';

const network = z.string().refine((text) => /^[^/]+(\/\d{1,3})?$/.test(text) && isIP(text.split('/')[0] ?? '') !== 0, {
  error: 'must be an address or a network',
});

export const optionsSchema = z.strictObject({
  pollSeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('How often the configuration file is looked at, should a call of the OAM Agent be lost.'),
  notifyIntervalSeconds: z
    .number()
    .min(0)
    .max(600)
    .default(1)
    .describe(
      'Least time between two notifications of changes to one watcher; what comes between is told at once after it.',
    ),
  minExpirySeconds: z
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('Shortest life that a SIP publication or subscription may ask for.'),
  publicationsPerUser: z.number().int().min(1).max(1000).default(20).describe('SIP publications of one user.'),
  maxSubscriptions: z
    .number()
    .int()
    .min(1)
    .default(100_000)
    .describe('SIP subscriptions at a time; further ones are told to try later.'),
  maxListResources: z.number().int().min(1).max(10_000).default(500).describe('Users in one list that is watched.'),
  calendarMaxBytes: z
    .number()
    .int()
    .min(1_024)
    .max(64 * 1024 * 1024)
    .default(2 * 1024 * 1024)
    .describe('Size of one calendar; a larger one is not read.'),
  calendarReadSeconds: z
    .number()
    .min(0.1)
    .max(60)
    .default(5)
    .describe('Time in which a calendar must be worked out; one that takes longer is not read.'),
  calendarCaFile: z
    .string()
    .default('')
    .describe("PEM file of authorities trusted with calendar servers, besides the system's and the node's own."),
  trustedNetworks: z
    .array(network)
    .default(['127.0.0.0/8', '::1'])
    .describe(
      "Networks of the SIP proxies whose word on who is speaking is taken, besides the engine's own address; others are refused.",
    ),
});

export type PresenceEngineOptions = z.infer<typeof optionsSchema>;
