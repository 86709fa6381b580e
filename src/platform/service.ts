import type { z } from 'zod';

export type ServiceKind = 'network' | 'feature';

/** The pure data of a service: what the supervisor, the CLI, the console and the documentation read. */
export interface ServiceDescriptor<Options = Record<string, never>> {
  /** Folder, log subsystem, command-line name: `config-agent`. */
  readonly name: string;
  /** The product's title: `Cisco Config Agent`. */
  readonly title: string;
  /** The sentence of the product that says what it is for. */
  readonly purpose: string;
  /** Network services run from installation on; feature services must be activated first. */
  readonly kind: ServiceKind;
  /** A feature service that only a person switches on: not even a node with a mock activates it at its first start. */
  readonly isOptIn?: boolean;
  /** Falls and rises with the XCP Router. */
  readonly isXcp: boolean;
  /** Services that must be Started before this one starts. */
  readonly dependsOn: readonly string[];
  /** Held back until the Data Monitor opens the gate. */
  readonly waitsForDataMonitor: boolean;
  readonly conformance: readonly { readonly spec: string; readonly status: 'complete' | 'partial' | 'planned' }[];
  /** Options of the configuration file under `services.<name>`: a default and one sentence (`describe`) each. */
  readonly options: z.ZodType<Options>;
}

/** A made service. Making does no I/O; `start` does it all. */
export interface Service {
  /** Resolves when ready. Everything it opens, it opens through the scope. */
  start(scope: Scope): Promise<void>;
  /** One sentence for the administrator: "synced 1,204 users, change 8831" rather than "ok". */
  detail(): string;
}

/** A service's life between start and stop. Closed in reverse order on stop, failure or restart. */
export interface Scope {
  /** Aborted first when the scope closes. */
  readonly signal: AbortSignal;
  defer(close: () => void | Promise<void>): void;
  /** Repeats `task`, the next run `ms` after the last one ended; a rejection fails the service. */
  every(ms: number, task: () => void | Promise<void>): void;
  /** A background task; a rejection (other than by the signal) fails the service. */
  run(task: (signal: AbortSignal) => Promise<void>): void;
}

/** Wire states (docs/services/supervisor.md). */
export type ServiceState = 'Started' | 'Starting' | 'Stopped' | 'Stopping' | 'Unknown';

/** Why a service is in its state; `text` is what the administrator reads. */
export interface ServiceReason {
  readonly code: ReasonCode;
  readonly text: string;
}

export type ReasonCode =
  | 'None'
  | 'Service Not Activated'
  | 'Commanded Out of Service'
  | 'Component is not running'
  | 'Waiting';

/** The status record of one service. Times are milliseconds since the epoch. */
export interface ServiceStatus {
  readonly name: string;
  readonly title: string;
  readonly kind: ServiceKind;
  readonly isXcp: boolean;
  /** Services that must be Started before it starts, by folder name. */
  readonly dependsOn: readonly string[];
  readonly purpose: string;
  readonly state: ServiceState;
  readonly reason: ServiceReason;
  readonly isActivated: boolean;
  readonly startedAt: number | null;
  /** Seconds since it was started; 0 unless Started. */
  readonly upTimeSeconds: number;
  /** What it waits for, and since when; null unless Starting and waiting. */
  readonly waitingFor: string | null;
  readonly waitingSince: number | null;
  /** Who caused the last change: `node`, `administrator`, `supervisor`, `cascade`. */
  readonly changedBy: string;
  readonly restartCount: number;
  readonly detail: string;
}
