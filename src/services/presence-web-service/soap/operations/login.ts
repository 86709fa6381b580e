import { attribute } from '../../../../xml/element.ts';
import { element, textElement } from '../../../../xml/write.ts';
import { type LogInRequest, logIn } from '../../actions/log-in.ts';
import { PwsFault } from '../../errors.ts';
import { childText } from '../../read-request.ts';
import type { Operation } from '../operation.ts';

/** Signs in an application user by password, or an end user by the key of one. Source: seen in the product's 10.x interface. */
export const login: Operation = {
  name: 'login',
  who: 'nobody',
  failure: 'loginBroken',
  async run(needs, payload, caller) {
    const password = childText(payload, 'password');
    const key = childText(payload, 'app-session-id')?.trim();
    const username = (childText(payload, 'username') ?? '').replace(/[ \t\r\n]+/g, ' ').trim();
    if ((password === undefined) === (key === undefined)) throw new PwsFault('badLoginType');
    const proof: LogInRequest['proof'] =
      password === undefined ? { kind: 'application', key: key ?? '' } : { kind: 'password', password };
    const force = attribute(payload, 'force')?.trim();
    const result = await logIn(needs, { username, proof, force: force === 'true' || force === '1' }, caller);
    if (result.kind === 'redirect') {
      const { primaryServer, backupServer } = result;
      return element('p:redirect', { primaryServer, backupServer });
    }
    return element('p:success', { backupServer: result.backupServer }, textElement('p:session-key', result.key));
  },
};
