import type { IncomingMessage } from 'node:http';
import type { CredentialCheck } from '../../../axl/credential-check.ts';
import type { Ids } from '../../../ids/ids.ts';
import { plainAddress } from '../../../platform/networks.ts';
import type { LoginThrottle } from '../../../sign-in/login-throttle.ts';
import { InterclusterFault } from '../errors.ts';

export interface AccessNeeds {
  readonly ids: Ids;
  readonly credentials: CredentialCheck;
  readonly throttle: LoginThrottle;
  /** Access control groups whose members may act for a peer. */
  readonly groups: readonly string[];
}

/** Who calls, by HTTP basic authentication (RFC 7617). @throws InterclusterFault `denied`, `busy`, `not-ready` */
export async function admit(needs: AccessNeeds, request: IncomingMessage): Promise<string> {
  const given = readBasic(request.headers.authorization);
  if (!given) throw new InterclusterFault('denied', 'name and password of an application user are needed');
  const attempt = await needs.throttle.begin(given.user, plainAddress(request.socket.remoteAddress ?? ''));
  if (!attempt) throw new InterclusterFault('busy', 'too many wrong passwords: try again later');
  let verdict: Awaited<ReturnType<CredentialCheck['check']>>;
  try {
    verdict = await needs.credentials.check('applicationuser', given.user, given.password);
  } catch (error) {
    attempt.forgive();
    throw error;
  }
  if (verdict === 'mismatch') {
    attempt.count();
    throw new InterclusterFault('denied', 'the name or the password is wrong');
  }
  attempt.forgive();
  if (verdict === 'unavailable') throw new InterclusterFault('not-ready', 'passwords cannot be checked now');
  if (!(await isInGroup(needs, given.user))) {
    throw new InterclusterFault('denied', `${given.user} has no role that lets a peer in`);
  }
  return given.user;
}

function readBasic(header: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon <= 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

async function isInGroup({ ids, groups }: AccessNeeds, name: string): Promise<boolean> {
  const found = await ids.read
    .selectFrom('applicationuser')
    .innerJoin('applicationuserdirgroupmap as membership', 'membership.fkapplicationuser', 'applicationuser.pkid')
    .innerJoin('dirgroup', 'dirgroup.pkid', 'membership.fkdirgroup')
    .select('applicationuser.pkid')
    .where((eb) => eb(eb.fn<string>('lower', ['applicationuser.name']), '=', name.toLowerCase()))
    .where('applicationuser.deletedat', 'is', null)
    .where('dirgroup.deletedat', 'is', null)
    .where('dirgroup.name', 'in', groups)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
