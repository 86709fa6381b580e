import { z } from 'zod';
import { element, join, type Markup } from '../../xml/write.ts';
import { ConfigurationError } from './errors.ts';
import { type ParameterTable, type ParameterValue, type ParameterValues, parseParameter } from './parameters.ts';
import { attributesOf, childrenOf, type Placed } from './strict-xml.ts';

const attributes = z.strictObject({ name: z.string(), value: z.string() });

/** `<parameters>` with each parameter of the table, by name. */
export function writeParameters<Table extends ParameterTable>(table: Table, values: ParameterValues<Table>): Markup {
  const names = Object.keys(table).sort();
  return element(
    'parameters',
    undefined,
    join(names.map((name) => element('parameter', { name, value: String(values[name]) }))),
  );
}

/** Every parameter of the table, each once. @throws ConfigurationError */
export function readParameters<Table extends ParameterTable>(table: Table, placed: Placed): ParameterValues<Table> {
  const values: Record<string, ParameterValue> = {};
  for (const each of childrenOf(placed, { parameter: 'many' }).parameter) {
    const { name, value } = attributesOf(each, attributes);
    const parameter = Object.hasOwn(table, name) ? table[name] : undefined;
    const path = `${placed.path}/parameter (${name})`;
    if (!parameter) throw new ConfigurationError('configuration.schema', path, 'there is no such parameter');
    if (Object.hasOwn(values, name)) throw new ConfigurationError('configuration.schema', path, 'given twice');
    const parsed = parseParameter(parameter, value);
    if ('reason' in parsed) throw new ConfigurationError('configuration.schema', path, parsed.reason);
    values[name] = parsed.value;
  }
  const missing = Object.keys(table).find((name) => !Object.hasOwn(values, name));
  if (missing !== undefined) {
    throw new ConfigurationError('configuration.schema', `${placed.path}/parameter (${missing})`, 'missing');
  }
  return values as ParameterValues<Table>;
}
