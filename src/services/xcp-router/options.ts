import { z } from 'zod';

const whole = (least: number, most: number, preset: number) => z.number().int().min(least).max(most).default(preset);

export const xcpRouterOptions = z.strictObject({
  sessionsPerUser: whole(1, 100, 10).describe('Most sessions (resources) of one user; a further one is refused.'),
  resumeSeconds: whole(30, 90, 60).describe('Seconds that a broken connection may take to be resumed (XEP-0198).'),
  resumeStanzas: whole(5, 150, 100).describe('Most stanzas kept for a session whose connection is broken.'),
  acknowledgeEvery: whole(1, 64, 5).describe('Stanzas after which an acknowledgement is asked for.'),
  suppressOffline: z.boolean().default(false).describe('Refuses messages for users who are not there.'),
  offlineMessagesPerUser: whole(0, 10_000, 500).describe('Most messages kept for a user who is not there.'),
  rosterItems: whole(1, 5_000, 1_000).describe('Most contacts of a user; what would go beyond is refused.'),
  sdnsCacheSize: whole(100, 10_000_000, 200_000).describe('Most addresses whose place is remembered.'),
  negativeSeconds: whole(1, 3_600, 30).describe('Seconds that "there is no such user" is remembered.'),
  queuedStanzas: whole(100, 1_000_000, 20_000).describe(
    'Stanzas of all clients that may wait for the router; above, the Connection Managers read no more.',
  ),
  administrators: z
    .array(z.string())
    .default([])
    .describe(
      'User ids of XMPP administrators. One that CUCM does not know signs in as xcp-authentication-service says.',
    ),
});

export type XcpRouterOptions = z.infer<typeof xcpRouterOptions>;
