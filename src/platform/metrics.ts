import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * One registry per node: several nodes live in one test process. Asking twice for a name returns the same metric, so
 * a restarted service goes on counting. Labels never hold user names or JIDs.
 */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
  /** Called before each `render`: for counts that are kept elsewhere because they change thousands of times a second. */
  beforeRender(task: () => void): void;
  /** Prometheus text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(defaultLabels: Record<string, string> = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels(defaultLabels);
  const tasks: (() => void)[] = [];
  const known = <M>(name: string): M | undefined => registry.getSingleMetric(name) as M | undefined;
  return {
    counter: (name, help, labels = []) =>
      known(name) ?? new Counter({ name, help, labelNames: [...labels], registers: [registry] }),
    gauge: (name, help, labels = []) =>
      known(name) ?? new Gauge({ name, help, labelNames: [...labels], registers: [registry] }),
    histogram: (name, help, buckets, labels = []) =>
      known(name) ??
      new Histogram({ name, help, buckets: [...buckets], labelNames: [...labels], registers: [registry] }),
    beforeRender: (task) => void tasks.push(task),
    render: () => {
      for (const task of tasks) task();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}
