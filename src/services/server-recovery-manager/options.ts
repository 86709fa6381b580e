import { z } from 'zod';

const seconds = (from: number, to: number, fallback: number, sentence: string): z.ZodDefault<z.ZodNumber> =>
  z.number().min(from).max(to).default(fallback).describe(sentence);

/** Both nodes of a group should have the same. */
export const optionsSchema = z
  .strictObject({
    keepAliveIntervalSeconds: seconds(0.5, 300, 15, 'Seconds between two heartbeats.'),
    keepAliveTimeoutSeconds: seconds(
      2,
      3600,
      60,
      'Silence of the peer after which its users are taken over; three intervals at least.',
    ),
    initializationTimeoutSeconds: seconds(
      3,
      3600,
      120,
      'The same for a node that has just started and has not heard its peer.',
    ),
    criticalServiceDelaySeconds: seconds(
      2,
      3600,
      90,
      'Seconds that a critical service may be down before the node fails over.',
    ),
    automaticFallback: z
      .boolean()
      .default(false)
      .describe('Gives the users back when the failed-over node has been healthy for 30 minutes.'),
    monitorAuthenticationService: z
      .boolean()
      .default(false)
      .describe('The XCP Authentication Service is a critical service too.'),
    clientReLoginLowerSeconds: seconds(
      0,
      3600,
      120,
      'Clients of a failed node wait at least this long before they sign in at the backup.',
    ),
    clientReLoginUpperSeconds: seconds(0, 7200, 537, 'They wait at most this long.'),
  })
  .refine((options) => options.keepAliveTimeoutSeconds >= 3 * options.keepAliveIntervalSeconds, {
    path: ['keepAliveTimeoutSeconds'],
    error: 'must be at least three times keepAliveIntervalSeconds',
  })
  .refine((options) => options.clientReLoginUpperSeconds >= options.clientReLoginLowerSeconds, {
    path: ['clientReLoginUpperSeconds'],
    error: 'must not be below clientReLoginLowerSeconds',
  });

export type ServerRecoveryManagerOptions = z.infer<typeof optionsSchema>;

/** How long a failed-over node must have been healthy before it gets its users back by itself. */
export const AUTOMATIC_FALLBACK_MS = 30 * 60_000;
