import { z } from 'zod';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

const counterShape = z.strictObject({
  name: z.string(),
  help: z.string(),
  type: z.string().describe('counter, gauge or histogram; of a histogram only sum and count are shown'),
  values: z.array(z.strictObject({ labels: z.record(z.string(), z.string()), value: z.number() })),
});

export type CounterView = z.infer<typeof counterShape>;

/** Counters of the node; Prometheus gets the same at `/metrics`. */
export const counterCommands: readonly AnyCommand[] = [
  command({
    words: ['counters'],
    summary: 'Shows counters of the node; --match takes a part of the name.',
    access: 'read',
    arguments: z.strictObject({ match: z.string().default('').describe('A part of the name') }),
    positional: [],
    result: z.array(counterShape),
    async run(context, { match }) {
      const wanted = match.toLowerCase();
      return (await context.metrics.snapshot())
        .filter(({ name }) => name.toLowerCase().includes(wanted))
        .map((each) => ({
          ...each,
          values: each.values.map(({ labels, value }) => ({ labels: { ...labels }, value })),
        }));
    },
    render: (counters) =>
      table(
        ['COUNTER', 'LABELS', 'VALUE'],
        counters.flatMap(({ name, values }) =>
          values.map(({ labels, value }) => [
            name,
            Object.entries(labels)
              .map(([key, text]) => `${key}=${text}`)
              .join(' '),
            String(value),
          ]),
        ),
      ),
  }),
];
