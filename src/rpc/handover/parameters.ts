/** Service parameters with a type: what administrators may set, and what a component may rely on. */

interface Described<Value> {
  readonly default: Value;
  /** `live`: in force at once; `restart`: after the component's next start. */
  readonly apply: 'live' | 'restart';
  readonly doc: string;
}
export interface BooleanParameter extends Described<boolean> {
  readonly type: 'boolean';
}
export interface IntegerParameter extends Described<number> {
  readonly type: 'integer';
  readonly min: number;
  readonly max: number;
}
export interface ChoiceParameter<Choice extends string = string> extends Described<Choice> {
  readonly type: 'choice';
  readonly choices: readonly Choice[];
}
export interface TextParameter extends Described<string> {
  readonly type: 'text';
  readonly maxLength: number;
  /** What is wrong with a value that is not empty; undefined when nothing is. */
  readonly check: (value: string) => string | undefined;
}
export type Parameter = BooleanParameter | IntegerParameter | ChoiceParameter | TextParameter;
export type ParameterTable = Readonly<Record<string, Parameter>>;
export type ParameterValue = boolean | number | string;
export type ParameterValues<Table extends ParameterTable> = {
  readonly [Name in keyof Table]: Table[Name] extends BooleanParameter
    ? boolean
    : Table[Name] extends IntegerParameter
      ? number
      : Table[Name] extends ChoiceParameter<infer Choice>
        ? Choice
        : string;
};

/** Something of the IDS that was left out, and why. */
export interface ConfigurationProblem {
  /** `staticroute 74..78 (next hop gw1)`: what an administrator finds again. */
  readonly element: string;
  readonly reason: string;
}

const TRUE = new Set(['true', 't', '1', 'on', 'yes']);
const FALSE = new Set(['false', 'f', '0', 'off', 'no']);

export type ParsedParameter = { readonly value: ParameterValue } | { readonly reason: string };

/** Reads the text of a value as administrators write it. */
export function parseParameter(parameter: Parameter, text: string): ParsedParameter {
  switch (parameter.type) {
    case 'boolean': {
      const word = text.trim().toLowerCase();
      if (TRUE.has(word)) return { value: true };
      return FALSE.has(word) ? { value: false } : { reason: `${quoted(text)} is neither true nor false` };
    }
    case 'integer': {
      const { min, max } = parameter;
      const value = /^-?\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
      const isInRange = value >= min && value <= max;
      return isInRange ? { value } : { reason: `${quoted(text)} is not a whole number from ${min} to ${max}` };
    }
    case 'choice': {
      const value = parameter.choices.find((choice) => choice.toLowerCase() === text.trim().toLowerCase());
      return value === undefined ? { reason: `${quoted(text)} is none of ${parameter.choices.join(', ')}` } : { value };
    }
    case 'text': {
      if (text.length > parameter.maxLength) return { reason: `it is longer than ${parameter.maxLength} characters` };
      const reason = text === '' ? undefined : parameter.check(text);
      return reason === undefined ? { value: text } : { reason };
    }
  }
}

export interface ParameterRow {
  readonly node: string;
  readonly name: string;
  readonly value: string;
}

/**
 * The value of every parameter: the node's row before the cluster's, else the default. A value that is not valid is
 * named, and what was in force before stays (`previous`), so that a slip of the pen does not reset a setting.
 */
export function resolveParameters<Table extends ParameterTable>(
  table: Table,
  rows: readonly ParameterRow[],
  nodeName: string,
  previous: ParameterValues<Table> | undefined,
): { readonly values: ParameterValues<Table>; readonly problems: readonly ConfigurationProblem[] } {
  const problems: ConfigurationProblem[] = [];
  const values: Record<string, ParameterValue> = {};
  for (const [name, parameter] of Object.entries(table)) {
    const own = rows.filter((row) => row.name.toLowerCase() === name.toLowerCase());
    const row = own.find(({ node }) => node === nodeName) ?? own.find(({ node }) => node === '');
    const parsed = row ? parseParameter(parameter, row.value) : { value: parameter.default };
    if ('value' in parsed) values[name] = parsed.value;
    else {
      const kept = previous?.[name] ?? parameter.default;
      values[name] = kept;
      problems.push({ element: `parameter ${name}`, reason: `${parsed.reason}; ${quoted(String(kept))} stays` });
    }
  }
  return { values: values as ParameterValues<Table>, problems };
}

/** Rows that name no parameter of `table`: a slip of the pen, or a setting of another release. */
export function unknownParameters(table: ParameterTable, rows: readonly ParameterRow[]): ConfigurationProblem[] {
  const known = new Set(Object.keys(table).map((name) => name.toLowerCase()));
  return rows
    .filter(({ name }) => !known.has(name.toLowerCase()))
    .map(({ name }) => ({ element: `parameter ${name}`, reason: 'there is no such parameter' }));
}

function quoted(text: string): string {
  return `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`;
}

const NAMED = 3;

/** One sentence for an alarm: the first few by name. */
export function sentenceOf(problems: readonly ConfigurationProblem[]): string {
  const named = problems.slice(0, NAMED).map(({ element, reason }) => `${element}: ${reason}`);
  const more = problems.length > NAMED ? `; and ${problems.length - NAMED} more` : '';
  return `${named.join('; ')}${more}`;
}
