/**
 * The one error type that crosses rooms. Services throw kinds; only the edges translate them: `soap/` to a SOAP
 * fault, `admin/` to an HTTP status, the command line to an exit code.
 */
export type ErrorKind =
  | 'invalid' // the caller's input is wrong
  | 'denied' // the caller may not do this
  | 'not-found'
  | 'conflict' // legal input, but not in the present state
  | 'unavailable' // try later: something we need is away or full
  | 'internal'; // our fault

export class ImpError extends Error {
  override readonly name: string = 'ImpError';
  /** Stable, dotted: `config.invalid`, `axl.unauthorized`. */
  readonly code: string;
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
    this.code = code;
  }
}

/** Whether the fault lies with the caller: such errors are logged at a lower level and raise no alarm. */
export function isCallerError(error: unknown): boolean {
  return (
    error instanceof ImpError &&
    (error.kind === 'invalid' || error.kind === 'denied' || error.kind === 'not-found' || error.kind === 'conflict')
  );
}

/** One clear line for people: the message, and the messages of its causes where they add something. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 4 && current !== undefined; depth += 1) {
    const message = current instanceof Error ? current.message || current.name : String(current);
    if (!parts.some((part) => part.includes(message))) parts.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(': ');
}
