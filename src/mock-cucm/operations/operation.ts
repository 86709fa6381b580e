import type { Clock } from '../../platform/clock.ts';
import type { XmlElement } from '../../xml/element.ts';
import type { Markup } from '../../xml/write.ts';
import type { ChangeQueue } from '../change-queue.ts';
import type { SqlRunner } from '../sql/sql-runner.ts';
import type { Store } from '../store/store.ts';

/** What operations work with. */
export interface OperationNeeds {
  readonly store: Store;
  readonly changes: ChangeQueue;
  readonly sql: SqlRunner;
  readonly clock: Clock;
}

/** What stands in an answer; long ones in parts, which are sent without being joined. */
export type OperationAnswer = Markup | readonly Markup[];

/** One AXL operation. A failure is an AxlFault. */
export interface Operation {
  readonly name: string;
  /** Needs more than the read-only role, and waits when writes are throttled. */
  readonly isWrite: boolean;
  run(needs: OperationNeeds, payload: XmlElement): OperationAnswer | Promise<OperationAnswer>;
}
