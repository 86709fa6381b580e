import { z } from 'zod';

const whole = (least: number, most: number, preset: number) => z.number().int().min(least).max(most).default(preset);

export const webConnectionManagerOptions = z.strictObject({
  connectionsPerAddress: whole(1, 1_000_000, 10).describe(
    'Most streams of one address, over WebSocket and BOSH together; those of signIn.exemptNetworks are not bound by it.',
  ),
  connections: whole(1, 10_000_000, 20_000).describe('Most streams of all addresses.'),
  stanzaBytes: whole(10_000, 16_777_216, 262_144).describe('Most bytes of a frame or of the body of a request.'),
  signInSeconds: whole(5, 600, 60).describe('Seconds for a stream to get a session.'),
  bytesPerSecond: whole(1_000, 1_000_000_000, 15_000).describe('Bytes per second that a client may send lastingly.'),
  burstSeconds: whole(1, 600, 30).describe('Seconds above it after which the client is slowed down to it.'),
  failedSignIns: whole(1, 100, 5).describe('Failed sign-ins after which a stream is ended.'),
  waitSeconds: whole(1, 600, 60).describe('Most seconds that a BOSH request is held open.'),
  inactivitySeconds: whole(5, 600, 30).describe('Seconds that a BOSH session lives without a request.'),
  origins: z
    .array(z.string())
    .default([])
    .describe('Web origins whose pages may connect (https://app.example); empty: every one.'),
});

export type XcpWebConnectionManagerOptions = z.infer<typeof webConnectionManagerOptions>;
