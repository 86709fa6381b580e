import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { argumentProblem } from '../admin/argument-problem.ts';
import { type AnyCommand, isStream } from '../admin/command.ts';
import { commands } from '../admin/commands.ts';
import { describeError, ImpError } from '../platform/errors.ts';
import { backupCommands } from './backup.ts';
import { completionScript } from './completion.ts';
import { configCommands } from './config.ts';
import { flagsFromEnvironment, type GlobalFlags, globalFlags, mockCucmFlags, startFlags } from './flags.ts';
import { type CliIo, UsageError } from './io.ts';
import { connectNode, type RemoteNode } from './remote.ts';

/** Exit codes: done, failed, wrong usage. */
const DONE = 0;
const FAILED = 1;
const USAGE = 2;

/**
 * Runs one command line and answers its exit code. Errors are one clear line on standard error; with `--json` an object
 * `{"error":{"code","message"}}`, as the JSON API has them.
 */
export async function runCli(argv: readonly string[], version: string, io: CliIo): Promise<number> {
  const isJson = argv.includes('--json') || /^(1|true|yes|on)$/i.test(io.env.IMP_JSON ?? '');
  const program = createProgram(version, isJson ? { ...io, err: () => undefined } : io);
  const tell = (code: string, message: string): void =>
    io.err(isJson ? JSON.stringify({ error: { code, message } }) : `imp: ${message}`);
  try {
    await program.parseAsync(helpLast(argv), { from: 'user' });
    return DONE;
  } catch (error) {
    // An InvalidArgumentError of ours is a CommanderError that commander has not printed.
    if (error instanceof UsageError || error instanceof InvalidArgumentError) {
      tell('cli.usage', error.message);
      return USAGE;
    }
    if (error instanceof CommanderError) {
      // Help that was not asked for: words are missing.
      if (isJson && error.exitCode !== 0) tell('cli.usage', error.message.replace(/^error: /, ''));
      return error.exitCode === 0 && error.code !== 'commander.help' ? DONE : USAGE;
    }
    tell(error instanceof ImpError ? error.code : 'internal', describeError(error));
    return error instanceof ImpError && error.code === 'config.invalid' ? USAGE : FAILED;
  }
}

/** `imp --help status` means `imp status --help`. */
function helpLast(argv: readonly string[]): string[] {
  const isHelp = (word: string): boolean => word === '--help' || word === '-h';
  const words = argv.filter((word) => !isHelp(word));
  return words.length === argv.length ? words : [...words, '--help'];
}

function createProgram(version: string, io: CliIo): Command {
  const program = new Command('imp')
    .description('An open IM and Presence node beside CUCM.')
    .version(version)
    .helpCommand(false)
    .showHelpAfterError('(add --help for usage)');
  for (const option of globalFlags()) program.addOption(option);

  add(
    program,
    ['start'],
    'Runs one node until it is interrupted.',
    startFlags(),
    // Loaded when it runs: a command that only asks a node should not wait for all of it.
    async (flags) => (await import('./start.ts')).runStart(flags, version, io),
    io,
  );
  add(
    program,
    ['mock-cucm'],
    'Runs only the mock CUCM.',
    mockCucmFlags(),
    async (flags) => (await import('./mock-cucm.ts')).runMockCucm(flags, io),
    io,
  );
  for (const each of [...configCommands(io), ...backupCommands(version, io)]) {
    const made = add(program, each.words, each.summary, [], (flags, words) => each.run(flags, words), io);
    for (const argument of each.positional) made.argument(argument);
  }
  for (const each of commands) addRemote(program, each, io);
  add(
    program,
    ['support-bundle'],
    'Writes what a node shows of itself into a file (tar, gzip), for somebody who is to help; no users, no secrets.',
    [],
    async (flags, [file = '']) => {
      const node = await connect(flags, io);
      try {
        const { writeSupportBundle } = await import('./support-bundle.ts');
        const files = await writeSupportBundle(node, resolve(io.cwd, file), io.interrupted);
        io.out(flags.json ? JSON.stringify({ files }) : `${file}: ${files.join(', ')}`);
      } finally {
        await node.close();
      }
    },
    io,
  ).argument('<file>');
  add(
    program,
    ['completion'],
    'Prints a script that completes commands and flags: source <(imp completion bash)',
    [],
    async (_flags, [shell = '']) => io.out(completionScript(shell, program)),
    io,
  ).argument('<shell>', 'bash or zsh');
  configureAll(program, io);
  return program;
}

/** Settings that commander does not hand down. */
function configureAll(command: Command, io: CliIo): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .configureHelp({ showGlobalOptions: true })
    .allowExcessArguments(false);
  for (const child of command.commands) configureAll(child, io);
}

function add(
  program: Command,
  words: readonly string[],
  summary: string,
  options: readonly Option[],
  run: (flags: GlobalFlags, given: readonly string[]) => Promise<void>,
  io: CliIo,
): Command {
  let parent = program;
  for (const word of words.slice(0, -1)) {
    const known = parent.commands.find((child) => child.name() === word);
    parent = known ?? parent.command(word).description(`${word} …`);
  }
  const name = words.at(-1) as string;
  const made = parent.command(name).description(summary);
  for (const option of options) made.addOption(option);
  made.action(async () => {
    flagsFromEnvironment(program, io);
    flagsFromEnvironment(made, io);
    await run(made.optsWithGlobals<GlobalFlags>(), made.args);
  });
  return made;
}

interface ArgumentSchema {
  readonly properties?: Readonly<
    Record<string, { readonly type?: string; readonly description?: string; readonly default?: unknown }>
  >;
  readonly required?: readonly string[];
}

/** An argument as it stands on the command line: `--limit`, or a bare word by its name. */
function spelled(each: AnyCommand, argument: string): string {
  if (each.secret === argument) return `the ${argument} on standard input`;
  return each.positional.includes(argument) ? argument.toUpperCase() : flagOf(argument);
}

function flagOf(argument: string): string {
  return `--${argument.replaceAll(/[A-Z]/g, '-$&').toLowerCase()}`;
}

/** A command of the node: its arguments become words and flags. */
function addRemote(program: Command, each: AnyCommand, io: CliIo): void {
  const schema = z.toJSONSchema(each.arguments, { io: 'input', unrepresentable: 'any' }) as ArgumentSchema;
  const options: Option[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (each.positional.includes(name) || each.secret === name || isOfAllCommands(program, name)) continue;
    const flag = flagOf(name);
    const isSwitch = property.type === 'boolean';
    const shown =
      isSwitch || property.default === undefined || property.default === '' ? '' : ` (default: ${property.default})`;
    options.push(new Option(isSwitch ? flag : `${flag} <value>`, `${property.description ?? ''}${shown}`));
  }
  const own = options.map((option) => option.attributeName());
  const made = add(
    program,
    each.words,
    each.summary,
    options,
    async (flags, words) => {
      const given: Record<string, unknown> = {};
      for (const name of own) {
        const value = (flags as Record<string, unknown>)[name];
        if (value !== undefined) given[name] = value;
      }
      each.positional.forEach((name, place) => {
        if (words[place] !== undefined) given[name] = words[place];
      });
      // A flag that all commands have is this one's own where it has such an argument; from the environment it is not.
      const taken = Object.keys(schema.properties ?? {}).filter(
        (name) =>
          !each.positional.includes(name) &&
          isOfAllCommands(program, name) &&
          program.getOptionValueSource(name) === 'cli',
      );
      for (const name of taken) given[name] = (flags as Record<string, unknown>)[name];
      for (const name of each.files ?? []) {
        if (typeof given[name] === 'string') given[name] = await readGiven(io, given[name]);
      }
      // Without its line end: a secret is piped in, or typed.
      if (each.secret !== undefined) given[each.secret] = (await io.readInput()).replace(/\r?\n$/, '');
      const checked = each.arguments.safeParse(given);
      if (!checked.success) {
        const { argument, clause } = argumentProblem(checked.error);
        throw new UsageError(`${spelled(each, argument)} ${clause}`);
      }
      await callNode(each, given, taken.includes('ca') ? withoutCa(flags) : flags, io);
    },
    io,
  );
  // A flag that all commands have means something else here.
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (each.positional.includes(name) || !isOfAllCommands(program, name)) continue;
    made.addHelpText('after', `\nOf this command:\n  --${name} <file>  ${property.description ?? ''}`);
  }
  for (const name of each.positional) {
    const isNeeded = schema.required?.includes(name) === true;
    made.argument(isNeeded ? `<${name}>` : `[${name}]`, schema.properties?.[name]?.description);
  }
}

function isOfAllCommands(program: Command, name: string): boolean {
  return program.options.some((option) => option.attributeName() === name);
}

function withoutCa({ ca: _, ...flags }: GlobalFlags): GlobalFlags {
  return flags;
}

async function readGiven(io: CliIo, file: string): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, file), 'utf8');
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${describeError(cause)}`);
  }
}

function connect(flags: GlobalFlags, io: CliIo): Promise<RemoteNode> {
  return connectNode({ data: flags.data ?? './data', url: flags.url, tokenFile: flags.tokenFile, ca: flags.ca }, io);
}

async function callNode(
  each: AnyCommand,
  given: Record<string, unknown>,
  flags: GlobalFlags,
  io: CliIo,
): Promise<void> {
  const node = await connect(flags, io);
  const method = each.access === 'read' ? 'GET' : 'POST';
  try {
    if (!isStream(each)) {
      const result = each.result.parse(await node.call(method, each.words, given));
      io.out(flags.json ? JSON.stringify(result) : each.render(result));
      return;
    }
    for await (const raw of node.stream(method, each.words, given, io.interrupted)) {
      const item = each.result.parse(raw);
      io.out(flags.json ? JSON.stringify(item) : each.render(item));
    }
  } finally {
    await node.close();
  }
}
