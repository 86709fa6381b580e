import { z } from 'zod';

/** A version; bounded, so that a component that talks nonsense cannot use them up. */
const version = z.int().min(0).max(1_000_000_000_000);

/** What a component says of the configuration that it runs; the same over HTTPS and JSON-RPC. */
export const answerSchema = z.object({
  /** The version in force; null: none yet. */
  version: version.nullable(),
  /** Names of what was loaded but is in force only after a restart. */
  restartNeeded: z.array(z.string().max(200)).max(100).default([]),
  /** The newest version that was refused since, and the element to blame. */
  refused: z
    .object({ version: version.nullable(), element: z.string().max(500), reason: z.string().max(2_000) })
    .nullable()
    .default(null),
});

export type RunningAnswer = z.output<typeof answerSchema>;

/** The parameters of `configChanged`, and the body of `POST /config-changed`. */
export const configChangedSchema = z.strictObject({ version });

/** How an agent reaches the component that it serves. */
export interface ComponentPeer {
  isRunning(): boolean;
  /**
   * Tells it that a version was written; resolves with what it runs after that.
   * @throws RpcError `rpc.unreachable` when it is down; any other error is a call that was lost.
   */
  configChanged(version: number, signal: AbortSignal): Promise<RunningAnswer>;
  /** Asks what it runs. Throws likewise. */
  configVersion(signal: AbortSignal): Promise<RunningAnswer>;
}
