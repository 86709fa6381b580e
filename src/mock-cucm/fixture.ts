import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ImpError } from '../platform/errors.ts';
import { isXmlText } from '../xml/write.ts';

const text = z.string().refine(isXmlText, 'holds a character that XML cannot carry');
const name = text.min(1).max(128);

const endUserSchema = z.strictObject({
  userid: name.describe('Sign-in name'),
  firstName: text.default(''),
  middleName: text.default(''),
  lastName: name,
  displayName: text.default(''),
  mailid: text.default(''),
  department: text.default(''),
  title: text.default(''),
  manager: text.default(''),
  telephoneNumber: text.default(''),
  directoryUri: text.default(''),
  homeCluster: z.boolean().default(true),
  imAndPresenceEnable: z.boolean().default(true),
  calendarPresence: z.boolean().default(false),
  isActive: z.boolean().default(true),
  groups: z.array(name).default([]),
  phones: z.array(name).default([]).describe('Names of phones that the user controls'),
  primaryExtension: text.default('').describe('A directory number on one of the phones'),
  password: text.optional(),
  pin: z
    .string()
    .regex(/^\d{4,}$/)
    .optional(),
  digestCredentials: text.optional(),
});

const applicationUserSchema = z.strictObject({
  userid: name,
  groups: z.array(name).default([]),
  password: text.optional(),
  phones: z.array(name).default([]),
});

const phoneSchema = z.strictObject({
  name,
  description: text.default(''),
  product: name,
  owner: text.default(''),
  lines: z.array(name).default([]).describe('Directory numbers, by button'),
});

const lineSchema = z.strictObject({
  pattern: name,
  description: text.default(''),
  alertingName: text.default(''),
});

const fixtureSchema = z.strictObject({
  domain: name.describe('Presence domain'),
  credentials: z
    .strictObject({
      password: text,
      pin: z.string().regex(/^\d{4,}$/),
      digestCredentials: text,
    })
    .describe('Of every user that has none of its own'),
  userGroups: z.array(z.strictObject({ name, roles: z.array(name).default([]) })).default([]),
  serviceProfiles: z
    .array(z.strictObject({ name, description: text.default(''), isDefault: z.boolean().default(false) }))
    .default([]),
  ucServices: z
    .array(
      z.strictObject({
        name,
        serviceType: name,
        productType: name,
        hostnameorip: name,
        description: text.default(''),
        port: z.number().int().min(0).max(65_535).optional(),
      }),
    )
    .default([]),
  applicationUsers: z.array(applicationUserSchema).default([]),
  lines: z.array(lineSchema).default([]),
  phones: z.array(phoneSchema).default([]),
  endUsers: z.array(endUserSchema).default([]),
});

/** What a mock CUCM is filled with, beside its factory objects. */
export type CucmFixture = z.output<typeof fixtureSchema>;
export type FixtureUser = CucmFixture['endUsers'][number];

/** The fixture cannot be used; the message names file and key. */
export class FixtureError extends ImpError {
  override readonly name = 'FixtureError';
  constructor(code: 'fixture.unreadable' | 'fixture.invalid', message: string, options?: { cause?: unknown }) {
    super('invalid', code, message, options);
  }
}

/** Reads a fixture. @throws FixtureError */
export async function loadFixture(file: string): Promise<CucmFixture> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (cause) {
    throw new FixtureError('fixture.unreadable', `the fixture ${file} cannot be read`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (cause) {
    throw new FixtureError('fixture.invalid', `the fixture ${file} is no JSON`, { cause });
  }
  const parsed = fixtureSchema.safeParse(json);
  if (parsed.success) {
    checkReferences(parsed.data, file);
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  const where = issue && issue.path.length > 0 ? issue.path.join('.') : 'the document';
  throw new FixtureError('fixture.invalid', `the fixture ${file}: ${where}: ${issue?.message ?? 'is not valid'}`);
}

/** What the fixture names must be in it. */
function checkReferences(fixture: CucmFixture, file: string): void {
  const phones = new Map(fixture.phones.map((phone) => [phone.name, phone]));
  const refuse = (key: string, what: string): never => {
    throw new FixtureError('fixture.invalid', `the fixture ${file}: ${key}: ${what}`);
  };
  for (const [index, user] of fixture.endUsers.entries()) {
    for (const phone of user.phones) {
      if (!phones.has(phone)) refuse(`endUsers.${index}.phones`, `there is no phone ${phone}`);
    }
    const reach = user.phones.flatMap((phone) => phones.get(phone)?.lines ?? []);
    if (user.primaryExtension !== '' && !reach.includes(user.primaryExtension)) {
      refuse(`endUsers.${index}.primaryExtension`, `${user.primaryExtension} is on none of the user's phones`);
    }
  }
  const users = new Set(fixture.endUsers.map((user) => user.userid));
  for (const [index, phone] of fixture.phones.entries()) {
    if (phone.owner !== '' && !users.has(phone.owner))
      refuse(`phones.${index}.owner`, `there is no user ${phone.owner}`);
  }
  if (users.size !== fixture.endUsers.length) refuse('endUsers', 'a userid stands twice');
}
