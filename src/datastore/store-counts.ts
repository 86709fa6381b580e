import type { Metrics } from '../platform/metrics.ts';

/** The metrics of one store, the same for every engine. */
export interface StoreCounts {
  readonly rows: { set(value: number): void };
  readonly writes: { inc(): void };
  readonly expired: { inc(count?: number): void };
  readonly refused: { inc(): void };
}

export function storeCounts(metrics: Metrics, store: string): StoreCounts {
  return {
    rows: metrics.gauge('datastore_rows', 'Rows in a real-time datastore', ['store']).labels(store),
    writes: metrics
      .counter('datastore_writes_total', 'Rows put into or deleted from a datastore', ['store'])
      .labels(store),
    expired: metrics.counter('datastore_expired_total', 'Rows that a datastore let expire', ['store']).labels(store),
    refused: metrics
      .counter('datastore_refused_total', 'Rows refused because a datastore was full', ['store'])
      .labels(store),
  };
}
