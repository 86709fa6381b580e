import { z } from 'zod';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

const certificateShape = z.strictObject({
  name: z.enum(['ca', 'node']),
  file: z.string(),
  subject: z.string(),
  issuer: z.string(),
  names: z.array(z.string()),
  validFrom: z.string().describe('ISO 8601'),
  validTo: z.string().describe('ISO 8601'),
  daysLeft: z.number(),
  fingerprint: z.string().describe('SHA-256'),
});

export type CertificateView = z.infer<typeof certificateShape>;

const listed = z.array(certificateShape);

const render = (certificates: z.infer<typeof listed>): string =>
  table(
    ['NAME', 'DAYS LEFT', 'VALID TO', 'SUBJECT', 'NAMES', 'FILE'],
    certificates.map((each) => [
      each.name,
      String(each.daysLeft),
      each.validTo,
      each.subject,
      each.names.join(' '),
      each.file,
    ]),
  );

/** The node's certificates (docs/architecture.md). */
export const certsCommands: readonly AnyCommand[] = [
  command({
    words: ['certs', 'list'],
    summary: "Shows the node's certificates and how long they are valid.",
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: listed,
    run: async (context) =>
      [...(await context.certificates.list())].map((each) => ({ ...each, names: [...each.names] })),
    render,
  }),
  command({
    words: ['certs', 'renew'],
    summary: 'Makes a new server certificate under the same authority; listeners take it without a restart.',
    access: 'operate',
    arguments: z.strictObject({}),
    positional: [],
    result: listed,
    run: async (context) =>
      [...(await context.certificates.renew())].map((each) => ({ ...each, names: [...each.names] })),
    render,
  }),
];
