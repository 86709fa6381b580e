import { it } from 'node:test';
import { temporaryFolder } from '../support/imp-process.ts';
import { killWriter } from './support/kill-writer.ts';

/** How often the writer is killed; `IMP_FAULT_RUNS` sets it. */
const RUNS = Number(process.env.IMP_FAULT_RUNS ?? 100);

it(`a configuration folder survives kill -9 ${RUNS} times`, async () => {
  await using folder = await temporaryFolder();
  await killWriter(folder.path, RUNS);
});
