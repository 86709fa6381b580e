import { z } from 'zod';
import { ImpError } from '../../platform/errors.ts';
import { type Parameter, parseParameter } from '../../rpc/handover/parameters.ts';
import { type AnyCommand, command } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { findParameter, PARAMETERS, rangeOf } from '../parameters.ts';
import { table } from '../table.ts';

/** Service parameters: what administrators set of a component while the node runs (docs/administration.md). */

const parameterShape = z.strictObject({
  service: z.string(),
  name: z.string(),
  value: z.string().describe('In force for the cluster; the default where nothing is set'),
  default: z.string(),
  isSet: z.boolean(),
  type: z.enum(['boolean', 'integer', 'choice', 'text']),
  choices: z.array(z.string()).describe('Of a choice; else empty'),
  range: z.string(),
  needsRestart: z.boolean().describe('In force only after the next start of the service'),
  description: z.string(),
});
export type ParameterView = z.infer<typeof parameterShape>;

const changeShape = z.strictObject({
  service: z.string(),
  name: z.string(),
  before: z.string(),
  value: z.string(),
  isChanged: z.boolean(),
  needsRestart: z.boolean(),
  sentence: z.string().describe('What happens, or has happened'),
});
type ParameterChange = z.infer<typeof changeShape>;

const service = z.string().min(1).describe("The service's folder name");
const name = z.string().min(1).describe('Name of the parameter');
const value = z.string().max(2_000).describe('The new value');

async function readSet(context: AdminContext): Promise<ReadonlyMap<string, string>> {
  const rows = await context.ids.read
    .selectFrom('serviceparameter')
    .where('node', '=', '')
    .where('service', 'in', Object.keys(PARAMETERS))
    .select(['service', 'name', 'value'])
    .execute();
  return new Map(rows.map((row) => [keyOf(row.service, row.name), row.value]));
}

function keyOf(of: string, each: string): string {
  return `${of}/${each}`.toLowerCase();
}

function view(of: string, each: string, parameter: Parameter, set: string | undefined): ParameterView {
  return {
    service: of,
    name: each,
    value: set ?? String(parameter.default),
    default: String(parameter.default),
    isSet: set !== undefined,
    type: parameter.type,
    choices: parameter.type === 'choice' ? [...parameter.choices] : [],
    range: rangeOf(parameter),
    needsRestart: parameter.apply === 'restart',
    description: parameter.doc,
  };
}

/** @throws ImpError `parameter.unknown`, `parameter.not-valid` */
async function plan(
  context: AdminContext,
  given: { readonly service: string; readonly name: string; readonly value: string | null },
): Promise<ParameterChange> {
  const found = findParameter(given.service, given.name);
  if (!found) {
    throw new ImpError('not-found', 'parameter.unknown', `${given.service} has no parameter ${given.name}`);
  }
  const { parameter } = found;
  const parsed = given.value === null ? { value: parameter.default } : parseParameter(parameter, given.value);
  if ('reason' in parsed) throw new ImpError('invalid', 'parameter.not-valid', `${found.name}: ${parsed.reason}`);
  const before = (await readSet(context)).get(keyOf(found.service, found.name)) ?? String(parameter.default);
  const after = String(parsed.value);
  const isChanged = before !== after;
  const needsRestart = isChanged && parameter.apply === 'restart';
  const title = context.supervisor.status().find((each) => each.name === found.service)?.title ?? found.service;
  return {
    service: found.service,
    name: found.name,
    before,
    value: after,
    isChanged,
    needsRestart,
    sentence: !isChanged
      ? 'Nothing changes.'
      : needsRestart
        ? `In force after a restart of ${title}; until then the old value stays, and a notification says so.`
        : `${title} takes it at once, without a restart.`,
  };
}

async function store(context: AdminContext, change: ParameterChange, isSet: boolean): Promise<ParameterChange> {
  await context.ids.transaction('administrator', async (trx) => {
    await trx
      .deleteFrom('serviceparameter')
      .where('node', '=', '')
      .where('service', '=', change.service)
      .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', change.name.toLowerCase()))
      .where((eb) => (isSet ? eb('name', '!=', change.name) : eb.lit(true)))
      .execute();
    if (!isSet) return;
    await trx
      .insertInto('serviceparameter')
      .values({ node: '', service: change.service, name: change.name, value: change.value })
      .onConflict((conflict) => conflict.columns(['node', 'service', 'name']).doUpdateSet({ value: change.value }))
      .execute();
  });
  if (findParameter(change.service, change.name)?.parameter.apply === 'restart') {
    context.restartNotices.needed({
      service: change.service,
      cause: `parameter ${change.name}`,
      before: change.before,
      after: change.value,
      text: `${change.name} was changed from ${quoted(change.before)} to ${quoted(change.value)}: restart ${change.service} for it to take the new value.`,
    });
  }
  return change;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

const renderChange = (change: ParameterChange): string =>
  `${change.service} ${change.name}: ${quoted(change.before)} → ${quoted(change.value)}. ${change.sentence}`;

export const parameterCommands: readonly AnyCommand[] = [
  command({
    words: ['parameter', 'list'],
    summary: 'Shows service parameters: value, default, range, whether a change needs a restart.',
    access: 'read',
    arguments: z.strictObject({ service: z.string().default('').describe('Only those of this service') }),
    positional: [],
    result: z.array(parameterShape),
    async run(context, given) {
      const set = await readSet(context);
      return Object.entries(PARAMETERS)
        .filter(([of]) => given.service === '' || of === given.service.toLowerCase())
        .flatMap(([of, parameters]) =>
          Object.entries(parameters).map(([each, parameter]) => view(of, each, parameter, set.get(keyOf(of, each)))),
        );
    },
    render: (parameters) =>
      table(
        ['SERVICE', 'PARAMETER', 'VALUE', 'DEFAULT', 'RANGE', 'RESTART', 'DESCRIPTION'],
        parameters.map((each) => [
          each.service,
          each.name,
          each.value || '-',
          each.default || '-',
          each.range,
          each.needsRestart ? 'needed' : '',
          each.description,
        ]),
      ),
  }),
  command({
    words: ['parameter', 'preview'],
    summary: 'Checks a value and says what setting it would do; changes nothing.',
    access: 'read',
    arguments: z.strictObject({ service, name, value }),
    positional: ['service', 'name', 'value'],
    result: changeShape,
    run: plan,
    render: renderChange,
  }),
  command({
    words: ['parameter', 'set'],
    summary: 'Sets a service parameter for the cluster.',
    access: 'operate',
    arguments: z.strictObject({ service, name, value }),
    positional: ['service', 'name', 'value'],
    result: changeShape,
    run: async (context, given) => await store(context, await plan(context, given), true),
    render: renderChange,
  }),
  command({
    words: ['parameter', 'reset'],
    summary: 'Takes what was set of a service parameter away: the default holds again.',
    access: 'operate',
    arguments: z.strictObject({ service, name }),
    positional: ['service', 'name'],
    result: changeShape,
    run: async (context, given) => await store(context, await plan(context, { ...given, value: null }), false),
    render: renderChange,
  }),
];
