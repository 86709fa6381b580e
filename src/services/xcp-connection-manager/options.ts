import { z } from 'zod';

const whole = (least: number, most: number, preset: number) => z.number().int().min(least).max(most).default(preset);

export const connectionManagerOptions = z.strictObject({
  connectionsPerAddress: whole(1, 1_000_000, 500).describe(
    'Most connections of one address; those of signIn.exemptNetworks are not bound by it.',
  ),
  connections: whole(1, 10_000_000, 50_000).describe('Most connections of all addresses.'),
  stanzaBytes: whole(10_000, 16_777_216, 262_144).describe('Most bytes of a stanza.'),
  signInSeconds: whole(5, 600, 60).describe('Seconds for a connection to get a session.'),
  bytesPerSecond: whole(1_000, 1_000_000_000, 15_000).describe('Bytes per second that a client may send lastingly.'),
  burstSeconds: whole(1, 600, 30).describe('Seconds above it after which the client is slowed down to it.'),
  failedSignIns: whole(1, 100, 5).describe('Failed sign-ins after which a connection is closed.'),
});

export type XcpConnectionManagerOptions = z.infer<typeof connectionManagerOptions>;
