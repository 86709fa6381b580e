import { ImpError } from '../platform/errors.ts';

export type IdsErrorCode =
  | 'ids.disk-full' // nothing of the transaction was kept; the node goes on and reads
  | 'ids.busy' // another process holds the database
  | 'ids.corrupt'
  | 'ids.newer-schema' // the data folder was written by a later release
  | 'ids.away' // the database server does not answer
  | 'ids.closed';

/** The database cannot do what was asked. Queries' own mistakes are not wrapped: they are ours. */
export class IdsError extends ImpError {
  override readonly name = 'IdsError';
  declare readonly code: IdsErrorCode;
  constructor(code: IdsErrorCode, message: string, options?: { cause?: unknown }) {
    super(code === 'ids.corrupt' || code === 'ids.newer-schema' ? 'internal' : 'unavailable', code, message, options);
  }
}

/** Turns what SQLite says of its surroundings into our words; anything else passes through. */
export function fromSqlite(error: unknown, file?: string): unknown {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') return error;
  if (code.startsWith('SQLITE_FULL') || code === 'SQLITE_IOERR_WRITE') {
    return new IdsError('ids.disk-full', 'the disk is full: nothing was written', { cause: error });
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new IdsError('ids.busy', 'another process holds the database', { cause: error });
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new IdsError(
      'ids.corrupt',
      `the database file ${file ?? ''} is damaged: restore it, or move it away to begin anew (contact lists are lost then)`,
      { cause: error },
    );
  }
  return error;
}
