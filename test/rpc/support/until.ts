import { turn } from '../../support/fake-clock.ts';

/** Turns the event loop until `isSo`; the test's own time-out ends it when that never happens. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}
