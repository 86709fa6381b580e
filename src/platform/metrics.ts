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
  /** Called before each `render` and `snapshot`: for counts that are kept elsewhere because they change thousands of times a second. */
  beforeRender(task: () => void): void;
  /** As it stands now; of a histogram only sum and count. */
  snapshot(): Promise<readonly MetricSnapshot[]>;
  /** Prometheus text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge`, `histogram`. */
  readonly type: string;
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
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
    async snapshot() {
      for (const task of tasks) task();
      const all = await registry.getMetricsAsJSON();
      return all.map(({ name, help, type, values }) => ({
        name,
        help,
        type: String(type),
        values: (values as readonly MetricValue[])
          .filter(({ labels }) => labels.le === undefined)
          .map(({ labels, value, metricName }) => ({
            labels: {
              ...Object.fromEntries(Object.entries(labels).map(([key, text]) => [key, String(text)])),
              ...(metricName !== undefined && metricName !== name && { part: metricName.slice(name.length + 1) }),
            },
            value,
          })),
      }));
    },
    contentType: registry.contentType,
  };
}

interface MetricValue {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
  /** Of a histogram: `…_sum`, `…_count`. */
  readonly metricName?: string;
}
