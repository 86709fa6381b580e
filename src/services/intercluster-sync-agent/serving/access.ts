import type { IncomingMessage } from 'node:http';
import { ImpError } from '../../../platform/errors.ts';
import type { Administrators } from '../../../sign-in/administrators.ts';
import { InterclusterFault } from '../errors.ts';

/**
 * Who calls, by HTTP basic authentication (RFC 7617): an application user of this cluster in one of the groups that let
 * peers in. @throws InterclusterFault `denied`, `busy`, `not-ready`
 */
export async function admit(accounts: Administrators, request: IncomingMessage): Promise<string> {
  const given = readBasic(request.headers.authorization);
  if (!given) throw new InterclusterFault('denied', 'name and password of an application user are needed');
  const outcome = await check(accounts, given, request.socket.remoteAddress ?? '');
  if (outcome.kind === 'administrator') return outcome.administrator.name;
  switch (outcome.refusal) {
    case 'too-many-attempts':
      throw new InterclusterFault('busy', 'too many wrong passwords: try again later');
    case 'no-rights':
      throw new InterclusterFault('denied', `${given.user} is in no group that lets a peer in`);
    case 'login-failed':
      throw new InterclusterFault('denied', 'the name or the password is wrong');
  }
}

async function check(
  accounts: Administrators,
  { user, password }: { readonly user: string; readonly password: string },
  address: string,
): ReturnType<Administrators['byPassword']> {
  try {
    return await accounts.byPassword(user, password, address);
  } catch (cause) {
    if (!(cause instanceof ImpError) || cause.code !== 'sign-in.credentials-away') throw cause;
    throw new InterclusterFault('not-ready', 'passwords cannot be checked now', { cause });
  }
}

function readBasic(header: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon <= 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
