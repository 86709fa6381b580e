import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { NodeFile } from '../node/node-config.ts';
import { ImpError } from '../platform/errors.ts';
import type { GlobalFlags } from './flags.ts';
import type { CliIo } from './io.ts';

/** A command that needs no running node. */
export interface LocalCommand {
  readonly words: readonly string[];
  readonly summary: string;
  readonly positional: readonly string[];
  run(flags: GlobalFlags, words: readonly string[]): Promise<void>;
}

/** Commands on the node file; they need no running node. */
export function configCommands(io: CliIo): readonly LocalCommand[] {
  return [
    {
      words: ['config', 'check'],
      summary: 'Reads a node file and says everything that is wrong with it.',
      positional: ['<file>'],
      async run(flags, words) {
        const { parseNodeFile } = await import('../node/node-config.ts');
        const name = words[0] as string;
        const config = parseNodeFile(await readConfig(resolve(io.cwd, name), name), name);
        io.out(flags.json ? JSON.stringify(withoutSecrets(config)) : `${name} is good`);
      },
    },
    {
      words: ['config', 'sample'],
      summary: 'Prints a node file with every key, its default and its meaning.',
      positional: [],
      async run(flags) {
        const { configSample } = await import('../node/config-sample.ts');
        io.out(flags.json ? JSON.stringify({ sample: configSample() }) : configSample().trimEnd());
      },
    },
    {
      words: ['config', 'schema'],
      summary: 'Prints the JSON Schema of the node file.',
      positional: [],
      async run(flags) {
        const { configJsonSchema } = await import('../node/config-sample.ts');
        io.out(JSON.stringify(configJsonSchema(), null, flags.json ? 0 : 2));
      },
    },
  ];
}

function withoutSecrets(config: NodeFile): unknown {
  if (config.cucm?.password === undefined) return config;
  return { ...config, cucm: { ...config.cucm, password: '***' } };
}

/** @throws ImpError `config.unreadable` */
export async function readConfig(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : 'it cannot be read';
    throw new ImpError('invalid', 'config.unreadable', `${name}: ${why}`);
  }
}
