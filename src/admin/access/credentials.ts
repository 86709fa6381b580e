import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Administrators } from '../../sign-in/administrators.ts';
import { isSameSecret } from '../admin-token.ts';
import type { AuditLog } from '../audit-log.ts';
import { type Caller, TOKEN_HOLDER } from './caller.ts';

export type AccessErrorCode =
  | 'admin.unauthorized'
  | 'admin.login-failed'
  | 'admin.no-rights'
  | 'admin.too-many-attempts'
  | 'admin.not-permitted'
  | 'admin.cross-site';

/** HTTP statuses of refused access; a face may say more. */
const STATUS: Readonly<Record<AccessErrorCode, number>> = {
  'admin.unauthorized': 401,
  'admin.login-failed': 401,
  'admin.no-rights': 403,
  'admin.too-many-attempts': 429,
  'admin.not-permitted': 403,
  'admin.cross-site': 403,
};

/** Somebody may not come in, or may not do this. */
export class AccessError extends ImpError {
  override readonly name = 'AccessError';
  declare readonly code: AccessErrorCode;
  readonly status: number;
  constructor(code: AccessErrorCode, message: string) {
    super('denied', code, message);
    this.status = STATUS[code];
  }
}

/** Refusals noted in a minute: strangers must not be able to push what was done out of the audit log. */
const MOST_NOTED = 60;
const BOUND_MS = 60_000;

/** The name that says: the password is the admin token. For those who can only send a name and a password. */
export const TOKEN_NAME = 'admin-token';

export interface CredentialsNeeds {
  readonly administrators: Administrators;
  readonly token: string;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Turns what a client proves itself with into a caller. Refusals are audited; none tells whether a name exists. */
export interface Credentials {
  /** @throws AccessError `admin.unauthorized` */
  byToken(given: string, face: Caller['face'], address: string): Caller;
  /** @throws AccessError; ImpError `sign-in.credentials-away` */
  byPassword(name: string, password: string, face: Caller['face'], address: string): Promise<Caller>;
  /** `Bearer` or `Basic`, as the header says. @throws as the others */
  byHeader(authorization: string | undefined, face: Caller['face'], address: string): Promise<Caller>;
}

export function createCredentials({ administrators, token, audit, clock }: CredentialsNeeds): Credentials {
  const isWorthNoting = createBound(clock);
  const refuse = (error: AccessError, by: string, face: Caller['face'], address: string): never => {
    const left = isWorthNoting();
    if (left > 0) {
      const code = left === 1 ? 'admin.more-are-not-noted' : error.code;
      audit.record({ by, proof: 'none', face, address, action: 'sign-in', outcome: 'refused', error: code });
    }
    throw error;
  };
  const credentials: Credentials = {
    byToken(given, face, address) {
      if (isSameSecret(given, token)) return { name: TOKEN_HOLDER, role: 'operate', proof: 'token', face, address };
      return refuse(new AccessError('admin.unauthorized', 'the token is not valid'), '', face, address);
    },
    async byPassword(name, password, face, address) {
      if (name === TOKEN_NAME) return credentials.byToken(password, face, address);
      const outcome = await administrators.byPassword(name, password, address);
      if (outcome.kind === 'administrator') return { ...outcome.administrator, proof: 'password', face, address };
      return refuse(REFUSALS[outcome.refusal](), name, face, address);
    },
    async byHeader(authorization, face, address) {
      const bearer = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
      if (bearer !== undefined) return credentials.byToken(bearer, face, address);
      const basic = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '')?.[1];
      const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic ?? '', 'base64').toString('utf8')) ?? [];
      if (name !== undefined && password !== undefined) {
        return await credentials.byPassword(name, password, face, address);
      }
      throw new AccessError('admin.unauthorized', "an administrator's token, or name and password, is needed");
    },
  };
  return credentials;
}

/** Answers how many more may be noted now, this one included. */
function createBound(clock: Clock): () => number {
  let until = Number.NEGATIVE_INFINITY;
  let left = 0;
  return () => {
    const now = clock.monotonic();
    if (now >= until) {
      until = now + BOUND_MS;
      left = MOST_NOTED;
    }
    left -= 1;
    return left + 1;
  };
}

const REFUSALS = {
  'login-failed': () => new AccessError('admin.login-failed', 'the name or the password is not valid'),
  'no-rights': () => new AccessError('admin.no-rights', 'this user may not administer the node'),
  'too-many-attempts': () => new AccessError('admin.too-many-attempts', 'too many wrong passwords: wait a minute'),
} as const;
