import { z } from 'zod';

const minutes = (least: number, most: number, usual: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(least).max(most).default(usual);

/** Options of `services.intercluster-sync-agent`. */
export const optionsSchema = z.strictObject({
  periodMinutes: minutes(30, 1440, 30).describe(
    'How often a peer is synced without being asked, give or take a tenth; what changes there is told at once.',
  ),
  retryMinutes: minutes(1, 60, 5).describe('After a failed sync.'),
  conflictRetryMinutes: minutes(1, 1440, 30).describe('After a conflict that only a person can end.'),
  stuckMinutes: minutes(10, 1440, 120).describe('A peer without a good sync for so long raises an alarm.'),
  autoRecovery: z.boolean().default(false).describe('Such a peer is begun anew as well.'),
  doNotDisturb: z.boolean().default(true).describe('Whether do not disturb of users goes to their phones in CUCM.'),
  certificateSync: z.boolean().default(true).describe("Whether peers' certificates are read."),
  fullCompareHours: z
    .number()
    .int()
    .min(1)
    .max(720)
    .default(24)
    .describe('All users are compared when older than this.'),
  staleDays: z
    .number()
    .int()
    .min(1)
    .max(365)
    .default(7)
    .describe('Users of a peer that is gone for so long are stale.'),
  pageRows: z.number().int().min(10).max(5000).default(1000).describe('Users asked of a peer at once.'),
  silenceSeconds: z
    .number()
    .int()
    .min(1)
    .max(600)
    .default(30)
    .describe('A peer that says nothing for so long is given up.'),
  callSeconds: z.number().int().min(1).max(3600).default(300).describe('Most time for one answer of a peer.'),
  probeSeconds: z.number().int().min(5).max(3600).default(30).describe("How often peers' nodes are probed."),
  groups: z
    .array(z.string())
    .default([
      'Standard CCM Super Users',
      'Standard AXL API Access',
      'Standard AXL API Users',
      'Standard AXL Read Only API Access',
    ])
    .describe('Access control groups of CUCM: application users in one of them may act for a peer.'),
  maxConcurrentRequests: z.number().int().min(1).max(1000).default(32).describe('Requests of peers under way at once.'),
});

export type InterclusterOptions = z.infer<typeof optionsSchema>;
