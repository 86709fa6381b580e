import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseFaults } from '../mock-cucm/faults.ts';
import { ImpError } from '../platform/errors.ts';
import { LOG_LEVELS } from '../platform/log.ts';
import type { CliIo } from './io.ts';

/** Flags of every command. They may stand before the command's words or after. */
export interface GlobalFlags {
  readonly data?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly json?: boolean;
}

export interface StartFlags extends GlobalFlags {
  readonly config?: string;
  readonly node?: string;
  readonly mockCucm?: boolean;
  readonly fixture?: string;
  readonly users?: number;
  readonly userPrefix?: string;
  readonly ephemeralPorts?: boolean;
  readonly endpoints?: string;
  readonly logLevel?: string;
}

export interface MockCucmFlags extends GlobalFlags {
  readonly port?: number;
  readonly users?: number;
  readonly userPrefix?: string;
  readonly seed?: number;
  readonly fixture?: string;
  readonly fault?: readonly string[];
  readonly endpoints?: string;
  readonly logLevel?: string;
}

function wholeNumber(most: number): (value: string) => number {
  return (value) => {
    if (!/^\d{1,9}$/.test(value) || Number(value) > most)
      throw new InvalidArgumentError(`not a number from 0 to ${most}.`);
    return Number(value);
  };
}

/** @throws InvalidArgumentError that tells the faults there are, or what the value must be */
function checkedFault(value: string): string {
  try {
    parseFaults([value]);
    return value;
  } catch (error) {
    if (error instanceof ImpError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

export function globalFlags(): Option[] {
  return [
    new Option('--data <dir>', 'data folder of the node (default: ./data)'),
    new Option(
      '--url <url>',
      "admin URL of a node elsewhere, with --token-file (and --ca where its authority isn't known)",
    ),
    new Option('--token-file <file>', 'file that holds the admin token'),
    new Option('--ca <file>', 'PEM file of the authority that verifies --url'),
    new Option('--json', 'answer in JSON; a line an object where the answer is a stream'),
  ];
}

export function startFlags(): Option[] {
  return [
    new Option('--config <file>', 'node file (YAML; see: imp config sample)'),
    new Option('--node <name>', 'name of this node'),
    new Option('--mock-cucm', 'run a mock CUCM beside the node'),
    new Option('--fixture <file>', "the mock's users and devices (default: acme)"),
    new Option('--users <n>', 'generated users besides').argParser(wholeNumber(1_000_000)),
    new Option('--user-prefix <prefix>', 'name of generated users (default: user)'),
    new Option('--ephemeral-ports', 'pick free ports for every listener'),
    new Option('--endpoints <file>', 'write where everything listens to this file (JSON)'),
    new Option('--log-level <level>', 'how much to log on standard error').choices(LOG_LEVELS),
  ];
}

export function mockCucmFlags(): Option[] {
  return [
    new Option('--port <port>', 'port to listen on; 0 picks a free one (default: 9443)').argParser(wholeNumber(65_535)),
    new Option('--users <n>', 'generated users').argParser(wholeNumber(1_000_000)),
    new Option('--user-prefix <prefix>', 'name of generated users (default: user)'),
    new Option('--seed <n>', 'seed of generated data (default: 1)').argParser(wholeNumber(999_999_999)),
    new Option('--fixture <file>', 'users and devices (default: acme)'),
    new Option('--fault <name=value>', 'switch a fault on; may be repeated').argParser(
      (value: string, before: readonly string[] | undefined) => [...(before ?? []), checkedFault(value)],
    ),
    new Option('--endpoints <file>', 'write where it listens to this file (JSON)'),
    new Option('--log-level <level>', 'how much to log on standard error').choices(LOG_LEVELS),
  ];
}

/** `IMP_LOG_LEVEL` for `--log-level`. A switch is on for 1, true, yes, on. */
export function flagsFromEnvironment(command: Command, io: CliIo): void {
  for (const option of command.options) {
    const name = `IMP_${option.attributeName().replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;
    const value = io.env[name];
    if (value === undefined || value === '' || command.getOptionValueSource(option.attributeName()) === 'cli') continue;
    if (option.isBoolean()) {
      if (/^(1|true|yes|on)$/i.test(value)) command.setOptionValueWithSource(option.attributeName(), true, 'env');
      else if (!/^(0|false|no|off)$/i.test(value)) throw new InvalidArgumentError(`${name} must be true or false`);
      continue;
    }
    if (option.argChoices && !option.argChoices.includes(value)) {
      throw new InvalidArgumentError(`${name} must be one of ${option.argChoices.join(', ')}`);
    }
    try {
      const parsed: unknown = option.parseArg ? option.parseArg(value, undefined as never) : value;
      command.setOptionValueWithSource(option.attributeName(), parsed, 'env');
    } catch (error) {
      throw new InvalidArgumentError(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
