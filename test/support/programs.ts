import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export interface ProgramResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a program of the machine to its end, with `input` on its standard input. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<ProgramResult> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  child.stdin.end(options.input ?? '');
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

/** Why a test of a real client is skipped: a sentence when the probe does not succeed, else `false`. */
export function missing(name: string, command: string, ...probe: readonly string[]): string | false {
  const { status, error } = spawnSync(command, probe, { stdio: 'ignore' });
  return status === 0 && !error ? false : `${name} is not on this machine`;
}

/** The first Python of the machine that has the module; the distribution's may stand behind another one. */
export function pythonWith(module: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find(
    (command) => missing(module, command, '-c', `import ${module}`) === false,
  );
}
