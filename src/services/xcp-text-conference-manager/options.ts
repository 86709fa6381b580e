import { z } from 'zod';

const whole = (least: number, most: number, preset: number) => z.number().int().min(least).max(most).default(preset);

export const textConferenceManagerOptions = z.strictObject({
  rooms: whole(1, 100_000, 16_500).describe('Most rooms at a time, of both kinds; a further one is not created.'),
  persistentRooms: whole(0, 50_000, 5_000).describe('Most rooms that are kept when nobody is in them.'),
  roomsPerUser: whole(1, 10_000, 200).describe('Most ad-hoc rooms at a time that one user has created.'),
  occupantsPerRoom: whole(2, 5_000, 500).describe('Most occupants of a room; its owner may set fewer.'),
  affiliationsPerRoom: whole(1, 50_000, 5_000).describe(
    'Most owners, admins, members and outcasts of a room together.',
  ),
  historyMessages: whole(0, 1_000, 100).describe('Most messages of the past that a room keeps for who enters.'),
  historyKilobytes: whole(16, 8_192, 512).describe(
    'Most text of the past that a room keeps, in units of 1,024 characters.',
  ),
  announceLogging: z
    .boolean()
    .default(false)
    .describe('Tells everybody who enters a room that it is logged (status code 170).'),
});

export type TextConferenceManagerOptions = z.infer<typeof textConferenceManagerOptions>;
