import { z } from 'zod';

/** The section `admin` of the node file. */
export const adminOptions = z.strictObject({
  operateGroups: z
    .array(z.string().min(1))
    .default(['Standard CCM Super Users'])
    .describe('Access control groups of CUCM whose application users may see and do everything.'),
  readGroups: z
    .array(z.string().min(1))
    .default(['Standard CCM Admin Users', 'Standard CCM Read Only', 'Standard CCM Server Monitoring'])
    .describe('Access control groups of CUCM whose application users may see everything and change nothing.'),
});

export type AdminOptions = z.infer<typeof adminOptions>;
