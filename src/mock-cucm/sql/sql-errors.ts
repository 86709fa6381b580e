/** Why a statement was refused, as it travels from the process that runs SQL: a code of Informix and its text. */
export class SqlFault extends Error {
  override readonly name = 'SqlFault';
  readonly axlCode: number;
  constructor(axlCode: number, message: string) {
    super(message);
    this.axlCode = axlCode;
  }
}

export const SQL_CODE = {
  syntax: -201,
  unknownTable: -206,
  unknownColumn: -217,
  duplicate: -239,
  notNull: -391,
  unknownRoutine: -674,
  missingKey: -691,
  refused: -746,
  interrupted: -213,
  other: -684,
} as const;

export const syntaxError = (): SqlFault => new SqlFault(SQL_CODE.syntax, 'A syntax error has occurred.');

export const unknownTable = (table: string): SqlFault =>
  new SqlFault(SQL_CODE.unknownTable, `The specified table (${table}) is not in the database.`);

export const refused = (why: string): SqlFault => new SqlFault(SQL_CODE.refused, why);

/** What SQLite says, in Informix's codes and words. */
export function fromSqlite(error: unknown): SqlFault {
  if (error instanceof SqlFault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const named = (pattern: RegExp): string | undefined => pattern.exec(message)?.[1];
  const table = named(/^no such table: (?:main\.)?(.+)$/);
  if (table !== undefined) return unknownTable(table);
  const column = named(/^(?:no such column: |table \w+ has no column named )(.+)$/);
  if (column !== undefined) {
    return new SqlFault(
      SQL_CODE.unknownColumn,
      `Column (${column}) not found in any table in the query (or SLV is undefined).`,
    );
  }
  if (named(/^no such function: (.+)$/) !== undefined || /^wrong number of arguments/.test(message)) {
    return new SqlFault(SQL_CODE.unknownRoutine, `Routine (${named(/function:? (\w+)/) ?? ''}) can not be resolved.`);
  }
  switch (code) {
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
      return new SqlFault(
        SQL_CODE.duplicate,
        'Could not insert new row - duplicate value in a UNIQUE INDEX column (Unique Index:).',
      );
    case 'SQLITE_CONSTRAINT_FOREIGNKEY':
      return new SqlFault(
        SQL_CODE.missingKey,
        'Missing key in referenced table for referential constraint (informix.r_fk).',
      );
    case 'SQLITE_CONSTRAINT_NOTNULL':
      return new SqlFault(SQL_CODE.notNull, 'Cannot insert a null into column.');
    case 'SQLITE_ERROR':
    case '':
      return syntaxError();
    default:
      return new SqlFault(SQL_CODE.other, 'The statement could not be executed.');
  }
}
