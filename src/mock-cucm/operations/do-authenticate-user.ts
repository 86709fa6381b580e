import { element } from '../../xml/element.ts';
import { textElement } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { secretText, valueText } from '../message/read-request.ts';
import { returned } from '../message/write-reply.ts';
import { CREDENTIAL, type CredentialOwner, isCredential } from '../objects/credentials.ts';
import type { Reading } from '../store/access.ts';
import type { Operation } from './operation.ts';

/** Result codes of the credential service. */
const CODE = { ok: 0, wrong: 1, locked: 2, inactive: 3 } as const;
/** Passwords of the mock run out far away. */
const DAYS_TO_EXPIRY = 180;

interface CredentialRow {
  readonly credentials: string;
  readonly lockedbyadministrator: string;
  readonly status: number | null;
}

/** `doAuthenticateUser`: whether a password or PIN is right; a wrong one is an answer, no fault. */
export const doAuthenticateUser: Operation = {
  name: 'doAuthenticateUser',
  isWrite: false,
  run({ store }, payload) {
    const userid = element(payload, 'userid');
    const password = element(payload, 'password');
    const pin = element(payload, 'pin');
    const name = userid ? valueText(userid) : '';
    if (name === '') throw new AxlFault(AXL_CODE.invalid, 'userid is required');
    if (!password && !pin) throw new AxlFault(AXL_CODE.invalid, 'password or pin is required');
    const [sent, kind] = password ? [password, CREDENTIAL.password] : [pin, CREDENTIAL.pin];
    const code = check(store.read, name, kind, sent ? secretText(sent) : '');
    const isRight = code === CODE.ok;
    return returned(
      textElement('userAuthenticated', isRight),
      textElement('code', code),
      ...(isRight ? [textElement('daysToExpiry', DAYS_TO_EXPIRY), textElement('isWarningNeeded', false)] : []),
    );
  },
};

function check(reading: Reading, name: string, kind: number, value: string): number {
  const owners: readonly CredentialOwner[] = kind === CREDENTIAL.pin ? ['enduser'] : ['enduser', 'applicationuser'];
  for (const owner of owners) {
    const row = credentialOf(reading, owner, name, kind);
    if (!row) continue;
    if (row.lockedbyadministrator === 't') return CODE.locked;
    if (row.status === 0) return CODE.inactive;
    return isCredential(row.credentials, value) ? CODE.ok : CODE.wrong;
  }
  return CODE.wrong;
}

function credentialOf(reading: Reading, owner: CredentialOwner, name: string, kind: number): CredentialRow | undefined {
  const [key, status] = owner === 'enduser' ? ['userid', 'u.status'] : ['name', '1'];
  return reading.get<CredentialRow>(
    `SELECT c.credentials, c.lockedbyadministrator, ${status} AS status FROM ${owner} u
     JOIN credential c ON c.fk${owner} = u.pkid AND c.tkcredential = ? WHERE u.${key} = ? COLLATE NOCASE`,
    kind,
    name,
  );
}
