import { z } from 'zod';
import { DEFAULT_BODY_LIMITS } from '../../platform/http-body.ts';

const whole = (fallback: number, min: number, max: number, doc: string): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(min).max(max).default(fallback).describe(doc);

export const optionsSchema = z.strictObject({
  maxEndpoints: whole(1_000, 1, 100_000, 'Most endpoints that applications may have registered at once.'),
  maxSubscriptions: whole(20_000, 1, 1_000_000, 'Most subscriptions of end users at once.'),
  requestsPerSecond: whole(50, 1, 100_000, 'Requests a second of one session; more are told to try later.'),
  requestBurst: whole(100, 1, 1_000_000, 'Requests that a session may send at once after a pause.'),
  maxConcurrentRequests: whole(1_000, 1, 1_000_000, 'Requests worked on at once; more are told to try later.'),
  maxDelayMs: whole(
    500,
    10,
    60_000,
    'Milliseconds that work may wait for the CPU; while it waits longer, requests are told to try later.',
  ),
  maxBodyBytes: whole(DEFAULT_BODY_LIMITS.maxBytes, 1_024, 1_073_741_824, 'Largest request body.'),
  bodySeconds: whole(60, 1, 600, 'Seconds within which a request body must have arrived.'),
  callbackNetworks: z
    .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('Addresses and networks where callbacks may go, as 10.0.0.0/8; none: all but link-local ones.'),
  callbackCaFile: z
    .string()
    .default('')
    .describe("PEM file of authorities trusted for callbacks by HTTPS, besides the system's and the node's own."),
  callbackSeconds: whole(5, 1, 60, 'Seconds within which an application must answer a callback.'),
  callbacksPerEndpoint: whole(4, 1, 100, 'Callbacks to one endpoint at once; more wait their turn.'),
  maxCallbacks: whole(256, 1, 10_000, 'Callbacks to all endpoints at once; more wait their turn.'),
});

export type PresenceWebServiceOptions = z.infer<typeof optionsSchema>;
