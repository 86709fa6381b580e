import { resolve } from 'node:path';
import { systemClock } from '../platform/clock.ts';
import type { LocalCommand } from './config.ts';
import type { CliIo } from './io.ts';

/** Backups of a data folder; no node has to run, and one may. */
export function backupCommands(version: string, io: CliIo): readonly LocalCommand[] {
  return [
    {
      words: ['backup'],
      summary: 'Writes the data of a node into a file (tar, gzip), keys and token included; it may run meanwhile.',
      positional: ['<file>'],
      async run(flags, [file = '']) {
        const { backUp } = await import('../node/backup/backup.ts');
        const folder = resolve(io.cwd, flags.data ?? './data');
        const manifest = await backUp(folder, resolve(io.cwd, file), { version, clock: systemClock });
        const count = Object.keys(manifest.files).length;
        io.out(flags.json ? JSON.stringify(manifest) : `${file}: ${count} files. It holds keys: keep it safe.`);
      },
    },
    {
      words: ['restore'],
      summary: 'Makes the data folder (--data, empty or new) out of a backup.',
      positional: ['<file>'],
      async run(flags, [file = '']) {
        const { restore } = await import('../node/backup/restore.ts');
        const data = flags.data ?? './data';
        const manifest = await restore(resolve(io.cwd, file), resolve(io.cwd, data));
        io.out(
          flags.json
            ? JSON.stringify(manifest)
            : `${data}: as it was at ${manifest.at}. Start it with: imp start --data ${data}`,
        );
      },
    },
  ];
}
