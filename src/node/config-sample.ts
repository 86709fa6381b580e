import { z } from 'zod';
import { nodeConfigSchema } from './node-config.ts';

interface Schema {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** JSON Schema of the node file, for editors. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(nodeConfigSchema, { io: 'input', unrepresentable: 'any' });
}

/** The sample file: every key with its sentence and default, written from the schema, so that it cannot fall behind. */
export function configSample(): string {
  const lines = [
    '# imp-gateway: the node file. Every key is shown with its default; a key without one is commented out.',
    '# Check a file with: imp config check FILE',
    '',
  ];
  writeProperties(configJsonSchema() as Schema, '', false, lines);
  return `${lines.join('\n').trimEnd()}\n`;
}

function writeProperties(schema: Schema, indent: string, isCommented: boolean, lines: string[]): void {
  const mark = isCommented ? '# ' : '';
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.description) lines.push(`${indent}# ${property.description}`);
    if (property.properties) {
      // A group whose keys have no defaults is shown, but not in force.
      const isOff =
        isCommented || (property.required ?? []).some((name) => property.properties?.[name]?.default === undefined);
      lines.push(`${isOff ? '# ' : ''}${indent}${key}:${Object.keys(property.properties).length === 0 ? ' {}' : ''}`);
      writeProperties(property, `${indent}  `, isOff, lines);
    } else if (property.default === undefined) {
      lines.push(`# ${indent}${key}:`);
    } else {
      lines.push(`${mark}${indent}${key}: ${JSON.stringify(property.default)}`);
    }
    if (indent === '') lines.push('');
  }
}
