import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ImpError } from '../../../src/platform/errors.ts';
import { serialise } from '../../../src/xml/serialise.ts';
import { el } from '../../../src/xmpp/elements.ts';
import { parseJid } from '../../../src/xmpp/jid.ts';
import { NS } from '../../../src/xmpp/namespaces.ts';
import { fromSaslText, saslText } from '../../../src/xmpp/sasl/base64.ts';
import { beginSasl, type SaslClientOptions } from '../../../src/xmpp/sasl/client-mechanisms.ts';
import {
  readSaslFailure,
  SASL_CONDITIONS,
  type SaslCondition,
  SaslError,
  toSaslError,
  writeSaslFailure,
} from '../../../src/xmpp/sasl/sasl-error.ts';
import { saslprep } from '../../../src/xmpp/sasl/saslprep.ts';
import { createSaslServer, MECHANISMS, type SaslServerNeeds } from '../../../src/xmpp/sasl/server-mechanisms.ts';

const alice = parseJid('alice@acme.example');
const bindings = new Map([['tls-exporter', Buffer.from('x')]] as const);
const needs: Required<SaslServerNeeds> = {
  checkPassword: async (name, password) => (name === 'alice' && password === 'Imp-demo-1' ? alice : undefined),
  redeemToken: async (user, token) => user.bare === alice.bare && token === 't0ken',
  certificateUser: async (wanted) => (wanted === null || wanted.bare === alice.bare ? alice : undefined),
  scram: { findKeys: async () => undefined, disguise: { secret: Buffer.alloc(32), iterations: 4096 } },
};

async function answer(
  mechanism: string,
  message: string | Buffer,
  more: Partial<SaslServerNeeds> = {},
): Promise<string> {
  try {
    const step = await createSaslServer({ ...needs, ...more })
      .begin(mechanism)
      .respond(Buffer.from(message));
    return step.kind === 'success' ? step.user.full : step.kind;
  } catch (error) {
    return toSaslError(error).condition;
  }
}

describe('mechanisms of one message', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['PLAIN', '\0alice\0Imp-demo-1', 'alice@acme.example'],
    ['PLAIN', 'alice@acme.example\0alice\0Imp-demo-1', 'alice@acme.example'],
    ['PLAIN', 'bob@acme.example\0alice\0Imp-demo-1', 'invalid-authzid'],
    ['PLAIN', '\0alice\0wrong', 'not-authorized'],
    ['PLAIN', '\0nobody\0wrong', 'not-authorized'],
    ['PLAIN', '', 'malformed-request'],
    ['PLAIN', 'alice\0Imp-demo-1', 'malformed-request'],
    ['PLAIN', '\0\0', 'malformed-request'],
    ['PLAIN', '\0alice\0', 'malformed-request'],
    ['PLAIN', '\0alice\0Imp-demo-1\0', 'malformed-request'],
    ['EXTERNAL', '', 'alice@acme.example'],
    ['EXTERNAL', 'alice@acme.example', 'alice@acme.example'],
    ['EXTERNAL', 'bob@acme.example', 'not-authorized'],
    ['EXTERNAL', '@', 'invalid-authzid'],
    ['CISCO-VTG-TOKEN', 'userid=alice@acme.example\0token=t0ken', 'alice@acme.example'],
    ['CISCO-VTG-TOKEN', 'userid=ALICE@acme.example\0token=t0ken', 'alice@acme.example'],
    ['CISCO-VTG-TOKEN', 'userid=bob@acme.example\0token=t0ken', 'not-authorized'],
    ['CISCO-VTG-TOKEN', 'userid=alice@acme.example\0token=other', 'not-authorized'],
    ['CISCO-VTG-TOKEN', 'userid=alice@acme.example/x\0token=t0ken', 'malformed-request'],
    ['CISCO-VTG-TOKEN', 'userid=acme.example\0token=t0ken', 'malformed-request'],
    ['CISCO-VTG-TOKEN', 'userid=alice@acme.example\0token=', 'malformed-request'],
    ['CISCO-VTG-TOKEN', 'token=t0ken\0userid=alice@acme.example', 'malformed-request'],
    ['CISCO-VTG-TOKEN', '', 'malformed-request'],
    ['DIGEST-MD5', '', 'invalid-mechanism'],
    ['constructor', '', 'invalid-mechanism'],
    ['SCRAM-SHA-256-PLUS', '', 'invalid-mechanism'],
  ];
  for (const [mechanism, message, expected] of rows) {
    it(`${mechanism} ${JSON.stringify(message)}: ${expected}`, async () => {
      assert.equal(await answer(mechanism, message), expected);
    });
  }
  it('refuse what is not UTF-8', async () => {
    assert.equal(await answer('PLAIN', Buffer.from([0, 0xff, 0, 0x61])), 'malformed-request');
  });
  it('say a failed look-up without its message', async () => {
    const failing = (error: Error) => answer('PLAIN', '\0a\0b', { checkPassword: () => Promise.reject(error) });
    assert.equal(await failing(new ImpError('unavailable', 'x', 'CUCM is away')), 'temporary-auth-failure');
    assert.equal(await failing(new ImpError('denied', 'x', 'no licence')), 'not-authorized');
    assert.equal(await failing(new TypeError('secret')), 'temporary-auth-failure');
    assert.equal(toSaslError(new TypeError('secret')).message, '');
    assert.equal(await failing(new SaslError('account-disabled')), 'account-disabled');
  });
  it('answer any bytes with a success, a challenge or a failure of SASL', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...MECHANISMS), fc.uint8Array({ maxLength: 60 }), async (mechanism, bytes) => {
        assert.notEqual(await answer(mechanism, Buffer.from(bytes)), 'temporary-auth-failure');
      }),
    );
  });
});

describe('what is offered', () => {
  it('is what there are look-ups for, strongest first', () => {
    assert.deepEqual(createSaslServer(needs, bindings).mechanisms, MECHANISMS);
    assert.deepEqual(createSaslServer({ checkPassword: needs.checkPassword }, bindings).mechanisms, ['PLAIN']);
    assert.deepEqual(createSaslServer({}).features, []);
  });
  it('names binding types and host names', () => {
    const { features } = createSaslServer({ scram: needs.scram }, bindings, ['imp1.acme.example']);
    assert.equal(
      features.map((each) => serialise(each)).join(''),
      `<mechanisms xmlns="${NS.sasl}"><mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>` +
        '<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism>' +
        '<hostname xmlns="urn:xmpp:domain-based-name:0" mechanism="CISCO-VTG-TOKEN">imp1.acme.example</hostname></mechanisms>' +
        '<sasl-channel-binding xmlns="urn:xmpp:sasl-cb:0"><channel-binding type="tls-exporter"/></sasl-channel-binding>',
    );
  });
});

describe('what a client chooses', () => {
  const password = { kind: 'password', username: 'alice', password: 'x' } as const;
  const choose = (server: SaslServerNeeds, options: Partial<SaslClientOptions>): string => {
    const features = el(NS.stream, 'features', {}, ...createSaslServer(server, bindings).features);
    try {
      return beginSasl(features, { credentials: password, bindings: new Map(), isSecure: true, ...options }).mechanism;
    } catch (error) {
      return toSaslError(error).condition;
    }
  };
  const rows: readonly (readonly [string, SaslServerNeeds, Partial<SaslClientOptions>, string])[] = [
    ['the strongest', needs, { bindings }, 'SCRAM-SHA-256-PLUS'],
    ['none that binds where it cannot', needs, {}, 'SCRAM-SHA-256'],
    ['what it is told to', needs, { only: ['SCRAM-SHA-1'] }, 'SCRAM-SHA-1'],
    ['PLAIN on an encrypted connection', { checkPassword: needs.checkPassword }, {}, 'PLAIN'],
    ['no PLAIN in the clear', { checkPassword: needs.checkPassword }, { isSecure: false }, 'invalid-mechanism'],
    ['SCRAM in the clear', needs, { isSecure: false }, 'SCRAM-SHA-256'],
    ['the token mechanism', needs, { credentials: { kind: 'token', user: alice, token: 't' } }, 'CISCO-VTG-TOKEN'],
    ['EXTERNAL', needs, { credentials: { kind: 'certificate', authzid: null } }, 'EXTERNAL'],
    ['nothing when nothing fits', { redeemToken: needs.redeemToken }, {}, 'invalid-mechanism'],
  ];
  for (const [name, server, options, expected] of rows) it(name, () => assert.equal(choose(server, options), expected));
});

describe('failures of SASL', () => {
  for (const condition of Object.keys(SASL_CONDITIONS) as SaslCondition[]) {
    it(`${condition} is read as it is written`, () => {
      const read = readSaslFailure(writeSaslFailure(new SaslError(condition, 'why')));
      assert.deepEqual([read.condition, read.message], [condition, 'why']);
    });
  }
});

describe('texts of SASL', () => {
  it('tell no data from data of no length', () => {
    assert.equal(saslText(Buffer.alloc(0)), '=');
    assert.equal(fromSaslText('=')?.length, 0);
    assert.equal(fromSaslText(''), undefined);
    for (const bad of ['a', 'ab', 'abc', 'a===', 'ab==c', 'ab cd', 'ab\ncd', '-_==', '==']) {
      assert.throws(() => fromSaslText(bad), { code: 'xmpp.base64' }, bad);
    }
  });
});

describe('SASLprep (RFC 4013 section 3)', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b', 'a b'],
    ['Zo\u0065\u0308', 'Zo\u00eb'],
    ['\u0007', undefined],
    ['\u0627\u0031', undefined],
    ['\u0627\u0031\u0628', '\u0627\u0031\u0628'],
    ['\ue000', undefined],
    ['\ud800', undefined],
  ];
  for (const [given, expected] of rows) {
    it(JSON.stringify(given), () => {
      if (expected === undefined) assert.throws(() => saslprep(given), { code: 'xmpp.string' });
      else assert.equal(saslprep(given), expected);
    });
  }
});
