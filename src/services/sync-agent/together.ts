/**
 * Waits for all of them, also when one fails: none goes on storing rows behind the back of whoever tries again. Throws
 * what the first of them has thrown, in their order.
 */
export async function together<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  const values: T[] = [];
  for (const task of await Promise.allSettled(tasks)) {
    if (task.status === 'rejected') throw task.reason;
    values.push(task.value);
  }
  return values;
}
