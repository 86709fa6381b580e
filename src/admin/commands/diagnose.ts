import { z } from 'zod';
import { describeError } from '../../platform/errors.ts';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';
import { dataChecks } from '../troubleshooter/data.ts';
import { systemChecks } from '../troubleshooter/system.ts';

const findingShape = z.strictObject({
  group: z.string(),
  name: z.string(),
  result: z.enum(['passed', 'warning', 'failed']),
  found: z.string().describe('What was seen'),
  cause: z.string(),
  fix: z.string().describe('What a person is to do'),
});

export type FindingView = z.infer<typeof findingShape>;

const CHECKS = [...systemChecks, ...dataChecks];

/** The System Troubleshooter (docs/administration.md). */
export const diagnoseCommands: readonly AnyCommand[] = [
  command({
    words: ['diagnose'],
    summary: 'Runs the troubleshooter: every check with problem, cause and fix.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: z.array(findingShape),
    run: (context) =>
      Promise.all(
        CHECKS.map(async (check) => {
          const { group, name } = check;
          try {
            return { group, name, ...(await check.run(context)) };
          } catch (error) {
            const cause = describeError(error);
            return {
              group,
              name,
              result: 'failed' as const,
              found: 'the check itself failed',
              cause,
              fix: 'See the log of the node.',
            };
          }
        }),
      ),
    render: (findings) =>
      table(
        ['RESULT', 'GROUP', 'CHECK', 'FOUND'],
        findings.map((each) => [
          each.result,
          each.group,
          each.name,
          [each.found, each.cause, each.fix].filter((part) => part !== '').join('. '),
        ]),
      ),
  }),
];
