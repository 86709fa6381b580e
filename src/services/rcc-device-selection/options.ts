import { z } from 'zod';

const whole = (fallback: number, min: number, max: number, doc: string): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(min).max(max).default(fallback).describe(doc);

export const optionsSchema = z.strictObject({
  lineControl: z
    .enum(['simulator'])
    .default('simulator')
    .describe('Who drives the phones. The simulator plays calls between lines; no telephone rings.'),
  simulatedAnswerSeconds: whole(
    2,
    0,
    3_600,
    'Seconds after which somebody answers at a number that no session drives; 0: nobody does.',
  ),
  trustedNetworks: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .default(['127.0.0.0/8', '::1'])
    .describe('Servers that may sign users in by name alone: the SIP Proxy, or the Microsoft server.'),
  sessionSeconds: whole(1_800, 90, 86_400, 'Seconds after the last request of a client that its session ends.'),
  maxSessions: whole(10_000, 1, 1_000_000, 'Most sessions at once; further sign-ins are told to try later.'),
  sessionsPerUser: whole(5, 1, 100, 'Most sessions of one user; a further sign-in ends the oldest.'),
  maxMonitors: whole(5, 1, 100, 'Most monitors that a session may have started.'),
  maxWaitingEvents: whole(200, 1, 10_000, 'Events that may wait for a client; with more its session ends.'),
  maxConcurrentRequests: whole(200, 1, 100_000, 'SOAP requests worked on at once; more are told to try later.'),
  retrySeconds: whole(10, 1, 3_600, 'Seconds after which a lost connection to line control is tried again.'),
});

export type RccOptions = z.infer<typeof optionsSchema>;
