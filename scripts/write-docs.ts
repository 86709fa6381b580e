/** Writes the generated pages of docs/ from the declarations in the code; `--check` only compares, and exits 1. */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { isStream } from '../src/admin/command.ts';
import { commands } from '../src/admin/commands.ts';
import { openApiDocument } from '../src/admin/openapi.ts';
import { configJsonSchema, configSample } from '../src/node/config-sample.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

const pages: Readonly<Record<string, () => string>> = {
  'docs/config.sample.yaml': configSample,
  'docs/config.schema.json': () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/openapi.json': () => `${JSON.stringify(openApiDocument(version), null, 2)}\n`,
  'docs/commands.json': () =>
    `${JSON.stringify(
      commands.map((command) => ({
        command: `imp ${command.words.join(' ')}`,
        summary: command.summary,
        api: `${command.access === 'read' ? 'GET' : 'POST'} /admin/api/${command.words.join('/')}`,
        access: command.access,
        isStream: isStream(command),
        positional: command.positional,
        ...(command.secret !== undefined && { secret: command.secret }),
        arguments: z.toJSONSchema(command.arguments, { io: 'input', unrepresentable: 'any' }),
        result: z.toJSONSchema(command.result, { unrepresentable: 'any' }),
      })),
      null,
      2,
    )}\n`,
};

const isCheck = process.argv.includes('--check');
for (const [file, make] of Object.entries(pages)) {
  const wanted = make();
  if (!isCheck) {
    writeFileSync(file, wanted);
    continue;
  }
  let present = '';
  try {
    present = readFileSync(file, 'utf8');
  } catch {
    // A missing page differs, and is reported as such.
  }
  if (present !== wanted) {
    process.stderr.write(`${file} is behind the code: run npm run docs\n`);
    process.exitCode = 1;
  }
}
