import { ImpError } from '../../platform/errors.ts';

/** A failure that a client hears as a SOAP fault with `axlError` in its detail (docs/services/mock-cucm.md). */
export class AxlFault extends ImpError {
  override readonly name = 'AxlFault';
  readonly axlCode: number;
  /** `Server` for AXL's own errors; database constraints were seen as `Client`. */
  readonly side: 'Server' | 'Client';
  constructor(axlCode: number, message: string, side: 'Server' | 'Client' = 'Server') {
    super(axlCode === 5007 ? 'not-found' : 'invalid', 'mock-cucm.fault', message);
    this.axlCode = axlCode;
    this.side = side;
  }
}

/** Codes of AXL itself; those of the database are below zero. */
export const AXL_CODE = {
  throttled: -1,
  syntax: -201,
  unknownTable: -206,
  unknownColumn: -217,
  duplicate: -239,
  missingKey: -691,
  refused: -746,
  unknownFailure: 5000,
  unknownOperation: 5002,
  invalid: 5003,
  malformed: 5005,
  notFound: 5007,
} as const;

export function notFound(what: string): AxlFault {
  return new AxlFault(AXL_CODE.notFound, `Item not valid: The specified ${what} was not found`);
}

/** What SQLite says about a refused row, in Informix's words; anything else is returned as it is. */
export function fromDatabase(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return new AxlFault(
      AXL_CODE.duplicate,
      'Could not insert new row - duplicate value in a UNIQUE INDEX column (Unique Index:).',
      'Client',
    );
  }
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') {
    return new AxlFault(
      AXL_CODE.missingKey,
      'Missing key in referenced table for referential constraint (informix.r_fk).',
      'Client',
    );
  }
  if (code === 'SQLITE_CONSTRAINT_NOTNULL') {
    return new AxlFault(-391, 'Cannot insert a null into column.', 'Client');
  }
  return error;
}
