import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { RunningAnswer } from './answer.ts';
import { ConfigurationError } from './errors.ts';
import type { FileStore } from './file-store.ts';
import type { ConfigurationFormat, LoadedConfiguration } from './format.ts';
import { createConfigurationLoader } from './loader.ts';
import { createTurns } from './turns.ts';

export interface ReceiverOptions<Content> {
  readonly format: ConfigurationFormat<Content>;
  readonly store: FileStore;
  readonly log: Log;
  /**
   * Puts a configuration into force; answers the names of what only a restart does. `previous` is what was loaded
   * before, undefined at the start.
   */
  apply(content: Content, previous: Content | undefined): readonly string[];
  /** A configuration was refused, in every case where `running` keeps what it had. */
  onRefused(error: ConfigurationError): void;
  /** What lies in the folder is what runs. */
  onRunning(answer: RunningAnswer): void;
}

/** The component's side: loads, checks, and either runs the new version or keeps the old one. */
export interface ConfigurationReceiver<Content> {
  /** Undefined until a good configuration was there. */
  readonly running: LoadedConfiguration<Content> | undefined;
  answer(): RunningAnswer;
  /** Looks at the folder. Never rejects: a refusal is in the answer. */
  look(): Promise<RunningAnswer>;
  /** Somebody says that this version is there. */
  configChanged(version: number): Promise<RunningAnswer>;
}

export function createConfigurationReceiver<Content extends object>(
  options: ReceiverOptions<Content>,
): ConfigurationReceiver<Content> {
  const { format, store, log } = options;
  const loader = createConfigurationLoader(format, store);
  const inTurn = createTurns();
  let running: LoadedConfiguration<Content> | undefined;
  let fingerprint = '';
  let refused: RunningAnswer['refused'] = null;
  let restartNeeded: readonly string[] = [];

  const answer = (): RunningAnswer => ({
    version: running?.version ?? null,
    restartNeeded: [...restartNeeded],
    refused,
  });

  const refuse = (version: number | null, error: ConfigurationError): void => {
    const reason = describeError(error);
    if (refused?.version !== version || refused.reason !== reason) {
      log.warn({ version, runs: running?.version ?? null, err: reason }, 'configuration refused');
    }
    refused = { version, element: error.element, reason };
    options.onRefused(error);
  };

  const load = async (): Promise<LoadedConfiguration<Content>> => {
    try {
      return await loader.load();
    } catch (error) {
      // The next version may have been written between two of our reads.
      if (!(error instanceof ConfigurationError) || error.code !== 'configuration.missing') throw error;
      return await loader.load();
    }
  };

  const look = async (announced: number | null): Promise<RunningAnswer> => {
    let found: LoadedConfiguration<Content> | undefined;
    try {
      found = await load();
      const print = loader.fingerprint(found.content);
      checkOrder(found.version, print);
      if (announced !== null && announced > found.version) {
        throw order(`version ${announced} was announced, version ${found.version} lies there`);
      }
      if (running?.version !== found.version) {
        restartNeeded = options.apply(found.content, running?.content);
        log.info({ version: found.version, restartNeeded }, 'configuration in force');
      }
      running = found;
      fingerprint = print;
      refused = null;
      options.onRunning(answer());
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      refuse(found?.version ?? announced, error);
    }
    return answer();
  };

  const checkOrder = (version: number, print: string): void => {
    if (!running) return;
    if (version < running.version) throw order(`version ${version} is older than ${running.version}, which runs`);
    if (version === running.version && print !== fingerprint) {
      throw order(`version ${version} runs already with other content`);
    }
  };

  return {
    get running() {
      return running;
    },
    answer,
    look: () => inTurn(() => look(null)),
    configChanged: (version) => inTurn(() => look(version)),
  };
}

function order(message: string): ConfigurationError {
  return new ConfigurationError('configuration.order', 'version', message);
}
