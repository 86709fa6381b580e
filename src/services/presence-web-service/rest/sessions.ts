import { element, textElement } from '../../../xml/write.ts';
import { logIn, logOut } from '../actions/log-in.ts';
import { originOf } from '../documents.ts';
import { PwsFault } from '../errors.ts';
import { BASE_PATH } from '../names.ts';
import type { ActionNeeds } from '../needs.ts';
import { childText, parseBody } from '../read-request.ts';
import { OK, ownSession, type RestAnswer, type RestHandlers, type RestRequest, sessionKeyOf } from './rest-handler.ts';
import type { RestTarget } from './rest-target.ts';

type Target = Extract<RestTarget, { kind: 'session' }>;

/**
 * POST signs in, PUT signs in anew: an application user by the body, an end user by the key of one. DELETE signs out.
 * Source: documented, and seen in clients.
 */
export const SESSION: RestHandlers<Target> = {
  POST: {
    operation: 'login',
    failure: 'loginBroken',
    run: (needs, request, { user }) => signIn(needs, request, user, false),
  },
  PUT: {
    operation: 'login',
    failure: 'loginBroken',
    run: (needs, request, { user }) => signIn(needs, request, user, true),
  },
  DELETE: {
    operation: 'logout',
    failure: 'logoutFailed',
    async run(needs, request, { user }) {
      await logOut(needs, await ownSession(needs, request, 'any', user));
      return OK;
    },
  },
};

async function signIn(needs: ActionNeeds, request: RestRequest, user: string, force: boolean): Promise<RestAnswer> {
  const password = passwordOf(request.body);
  const key = sessionKeyOf(request);
  if (password === undefined && key === '') throw new PwsFault('badLoginType');
  const result = await logIn(
    needs,
    {
      username: user.trim(),
      proof: password === undefined ? { kind: 'application', key } : { kind: 'password', password },
      force,
    },
    request.caller,
  );
  if (result.kind === 'redirect') {
    const { primaryServer, backupServer } = result;
    const origin = originOf({ scheme: 'https', host: primaryServer, port: request.httpsPort });
    return {
      status: 307,
      headers: { location: `${origin}${BASE_PATH}/users/${encodeURIComponent(user)}/session` },
      body: element('session', undefined, element('redirect', { primaryServer, backupServer })),
    };
  }
  return {
    status: 201,
    body: element(
      'session',
      { backupServer: result.backupServer === '' ? undefined : result.backupServer },
      textElement('sessionKey', result.key),
    ),
  };
}

/** Undefined when the body has none. @throws PwsFault 102, 103 */
function passwordOf(body: string): string | undefined {
  if (body.trim() === '') return undefined;
  const root = parseBody(body);
  if (root.local !== 'session') throw new PwsFault('wrongRoot');
  return childText(root, 'password');
}
