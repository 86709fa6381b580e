import { z } from 'zod';
import { type AnyCommand, command } from '../command.ts';
import type { RccPhones } from '../context.ts';
import { table } from '../table.ts';

/** Which phone remote call control drives for a user (docs/services/rcc-device-selection.md). */

const phone = z.strictObject({
  device: z.string(),
  description: z.string(),
  product: z.string(),
  kind: z.enum(['soft', 'hard']),
  line: z.string().describe('Directory number'),
  partition: z.string().describe("'' for the null partition"),
  isRegistered: z.boolean(),
});

const phonesShape = z.strictObject({
  userid: z.string(),
  appearances: z.array(phone),
  chosen: z
    .strictObject({ device: z.string(), line: z.string(), partition: z.string() })
    .nullable()
    .describe("What the user chose last; line '' for any line of it"),
  next: phone
    .extend({ rule: z.string().describe('Which rule decides') })
    .nullable()
    .describe('What a session for the primary extension would drive now'),
});
type Phones = z.infer<typeof phonesShape>;

const user = z.string().min(1).describe('User id');

function viewOf({ userid, appearances, chosen, next }: RccPhones): Phones {
  const view = ({ isOwnersPrimary: _, ...rest }: RccPhones['appearances'][number]): Phones['appearances'][number] =>
    rest;
  return {
    userid,
    appearances: appearances.map(view),
    chosen: chosen === null ? null : { ...chosen },
    next: next === null ? null : { ...view(next), rule: next.rule },
  };
}

function render({ userid, appearances, chosen, next }: Phones): string {
  if (appearances.length === 0) return `${userid} has no phone that may be driven`;
  const nextDevice = next === null ? 'nothing' : `${next.device} (${next.rule})`;
  return [
    table(
      ['DEVICE', 'KIND', 'LINE', 'PARTITION', 'REGISTERED', 'DESCRIPTION'],
      appearances.map((each) => [
        each.device,
        each.kind,
        each.line,
        each.partition || '-',
        each.isRegistered ? 'yes' : 'no',
        each.description,
      ]),
    ),
    chosen === null
      ? 'chosen: nothing'
      : `chosen: ${chosen.device}${chosen.line === '' ? '' : `, line ${chosen.line}`}`,
    `the next session for the primary extension drives ${nextDevice}`,
  ].join('\n');
}

export const rccCommands: readonly AnyCommand[] = [
  command({
    words: ['rcc', 'list'],
    summary: "Shows a user's phones that remote call control may drive, and which it would.",
    access: 'read',
    arguments: z.strictObject({ user }),
    positional: ['user'],
    result: phonesShape,
    run: async (context, given) => viewOf(await context.rcc.overview(given.user)),
    render,
  }),
  command({
    words: ['rcc', 'select'],
    summary: 'Chooses the phone that the next session of a user drives.',
    access: 'operate',
    arguments: z.strictObject({
      user,
      device: z.string().min(1).describe('Name of the phone'),
      line: z.string().min(1).optional().describe('Directory number; left out, any line of the phone'),
      partition: z.string().optional().describe('Partition of the line, where it stands in several'),
    }),
    positional: ['user'],
    result: phonesShape,
    run: async (context, { user: userid, device, line, partition }) =>
      viewOf(await context.rcc.choose(userid, { device, line: line ?? null, partition: partition ?? null })),
    render,
  }),
  command({
    words: ['rcc', 'clear'],
    summary: "Forgets a user's choice: the rules decide again.",
    access: 'operate',
    arguments: z.strictObject({ user }),
    positional: ['user'],
    result: phonesShape,
    run: async (context, given) => viewOf(await context.rcc.choose(given.user, null)),
    render,
  }),
];
