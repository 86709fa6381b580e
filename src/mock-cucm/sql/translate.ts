import { SQL_CODE, SqlFault, syntaxError, unknownTable } from './sql-errors.ts';
import { type Token, tokenize } from './tokens.ts';

export interface Translated {
  readonly kind: 'query' | 'update';
  /** For SQLite. */
  readonly sql: string;
  /** The table that an update writes to. */
  readonly target: string | undefined;
}

/** Functions of Informix that scripts use; those SQLite lacks are taught by `addFunctions`. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  'abs',
  'avg',
  'cast',
  'ceil',
  'coalesce',
  'concat',
  'count',
  'dbinfo',
  'decode',
  'floor',
  'ifnull',
  'initcap',
  'instr',
  'length',
  'lower',
  'lpad',
  'ltrim',
  'max',
  'min',
  'mod',
  'my_lower',
  'newid',
  'nullif',
  'nvl',
  'replace',
  'round',
  'rpad',
  'rtrim',
  'substr',
  'substring',
  'sum',
  'trim',
  'trunc',
  'upper',
]);
/** Words that may stand before a parenthesis without being a function. */
const BEFORE_PARENTHESIS: ReadonlySet<string> = new Set([
  'all',
  'and',
  'as',
  'between',
  'by',
  'case',
  'char',
  'decimal',
  'distinct',
  'else',
  'exists',
  'from',
  'group',
  'having',
  'in',
  'is',
  'join',
  'like',
  'lvarchar',
  'not',
  'nvarchar',
  'on',
  'or',
  'select',
  'set',
  'then',
  'union',
  'unique',
  'using',
  'values',
  'varchar',
  'when',
  'where',
]);
/** Words with which SQLite would do what Informix does not, or what no client may. */
const REFUSED: ReadonlySet<string> = new Set([
  'abort',
  'alter',
  'analyze',
  'attach',
  'begin',
  'commit',
  'conflict',
  'create',
  'detach',
  'drop',
  'explain',
  'glob',
  'grant',
  'indexed',
  'match',
  'materialized',
  'notindexed',
  'over',
  'pragma',
  'raise',
  'recursive',
  'regexp',
  'reindex',
  'release',
  'returning',
  'revoke',
  'rollback',
  'savepoint',
  'table',
  'trigger',
  'vacuum',
  'window',
  'with',
]);
/** Tables that are not CUCM's, by how their names begin. */
const FOREIGN =
  /^(?:sqlite_|pragma_|mock|rawchange|temp$|main$|dbstat|fts\d|rtree|json_|bytecode$|tables_used$|generate_series$)/;
const STATEMENT_WORDS = ['insert', 'update', 'delete'] as const;

/**
 * Translates one statement of Informix's dialect for SQLite: literals in either quotes, `SKIP n FIRST m` and `LIMIT m`
 * after `select`, `unique`, `matches`, owners before tables. What is not known to be harmless is refused.
 * @throws SqlFault
 */
export function translate(sql: string): Translated {
  const tokens = tokenize(sql);
  while (tokens.at(-1)?.text === ';' && tokens.at(-1)?.kind === 'sign') tokens.pop();
  const first = tokens[0];
  if (first?.kind !== 'word') throw syntaxError();
  if (first.text === 'execute') {
    const routine = tokens[2]?.text ?? '';
    throw new SqlFault(SQL_CODE.unknownRoutine, `Routine (${routine}) can not be resolved.`);
  }
  const isUpdate = STATEMENT_WORDS.some((word) => word === first.text);
  if (!isUpdate && first.text !== 'select') throw syntaxError();
  const target = isUpdate ? targetOf(tokens) : undefined;
  return { kind: isUpdate ? 'update' : 'query', sql: rewrite(tokens), target };
}

function targetOf(tokens: readonly Token[]): string {
  const second = tokens[1];
  const isShort = tokens[0]?.text === 'update' || second?.text !== (tokens[0]?.text === 'insert' ? 'into' : 'from');
  if (tokens[0]?.text === 'insert' && isShort) throw syntaxError();
  const at = isShort ? 1 : 2;
  const isOwned = tokens[at + 1]?.text === '.';
  const table = tokens[isOwned ? at + 2 : at];
  if (table?.kind !== 'word') throw syntaxError();
  return table.text;
}

interface Scope {
  skip: string | undefined;
  first: string | undefined;
}

function rewrite(tokens: readonly Token[]): string {
  const out: string[] = [];
  // One scope for each parenthesis: what `select skip n first m` asks stands at its end in SQLite.
  const scopes: Scope[] = [{ skip: undefined, first: undefined }];
  const close = (): void => {
    const scope = scopes.at(-1) as Scope;
    if (scope.skip !== undefined || scope.first !== undefined) {
      out.push(`LIMIT ${scope.first ?? '-1'} OFFSET ${scope.skip ?? '0'}`);
    }
  };
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    const next = tokens[at + 1];
    if (token.kind === 'string') {
      // An owner in quotes: "informix".enduser
      if (next?.text === '.' && next.kind === 'sign') at += 1;
      else out.push(`'${token.text.replaceAll("'", "''")}'`);
    } else if (token.kind === 'number') {
      out.push(token.text);
    } else if (token.kind === 'sign') {
      if (token.text === ';') throw syntaxError();
      if (token.text === '(') scopes.push({ skip: undefined, first: undefined });
      if (token.text === ')') {
        close();
        if (scopes.length === 1) throw syntaxError();
        scopes.pop();
      }
      out.push(token.text);
    } else {
      at = word(tokens, at, out, scopes.at(-1) as Scope);
    }
  }
  if (scopes.length !== 1) throw syntaxError();
  close();
  return out.join(' ');
}

/** Writes a word; answers the index of the last token used. */
function word(tokens: readonly Token[], at: number, out: string[], scope: Scope): number {
  const { text } = tokens[at] as Token;
  const next = tokens[at + 1];
  const before = tokens[at - 1];
  const isColumn = before?.kind === 'sign' && before.text === '.';
  if (REFUSED.has(text) && !isColumn) throw syntaxError();
  if (FOREIGN.test(text) && !isColumn) throw unknownTable(text);
  if (text === 'informix' && next?.text === '.') return at + 1;
  if (text === 'or' && (before?.text === 'insert' || before?.text === 'update')) throw syntaxError();
  if (next?.text === '(' && next.kind === 'sign' && !FUNCTIONS.has(text) && !BEFORE_PARENTHESIS.has(text)) {
    // Only the columns of an insert follow a name directly.
    if (!(before?.text === 'into' || (before?.text === '.' && tokens[at - 3]?.text === 'into'))) {
      throw new SqlFault(SQL_CODE.unknownRoutine, `Routine (${text}) can not be resolved.`);
    }
  }
  switch (text) {
    case 'select': {
      out.push('SELECT');
      return selectPrefix(tokens, at, scope);
    }
    case 'unique':
      out.push('DISTINCT');
      return at;
    case 'matches':
      out.push('GLOB');
      return at;
    case 'delete':
      out.push('DELETE');
      if (at === 0 && next?.text !== 'from') out.push('FROM');
      return at;
    case 'today':
      out.push("date('now')");
      return at;
    default:
      out.push(text);
      return at;
  }
}

/** `SKIP n FIRST m`, `FIRST m`, `LIMIT m` right after `select`. */
function selectPrefix(tokens: readonly Token[], at: number, scope: Scope): number {
  let last = at;
  for (;;) {
    const name = tokens[last + 1];
    const count = tokens[last + 2];
    if (name?.kind !== 'word' || count?.kind !== 'number' || !/^\d{1,15}$/.test(count.text)) return last;
    if (name.text === 'skip' && scope.skip === undefined) scope.skip = count.text;
    else if ((name.text === 'first' || name.text === 'limit') && scope.first === undefined) scope.first = count.text;
    else return last;
    last += 2;
  }
}
