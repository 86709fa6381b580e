import { it } from 'node:test';
import { temporaryFolder } from '../support/imp-process.ts';
import { killWriter } from './support/kill-writer.ts';

it('a configuration folder survives kill -9 a hundred times', async () => {
  await using folder = await temporaryFolder();
  await killWriter(folder.path, 100);
});
