import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJid } from '../../../src/xmpp/jid.ts';
import type { ChannelBindings } from '../../../src/xmpp/sasl/channel-binding.ts';
import { SaslError } from '../../../src/xmpp/sasl/sasl-error.ts';
import { deriveScramKeys, type ScramHash } from '../../../src/xmpp/sasl/scram.ts';
import { scramClient } from '../../../src/xmpp/sasl/scram-client.ts';
import { type ScramServerOptions, scramServer } from '../../../src/xmpp/sasl/scram-server.ts';

interface Vector {
  readonly hash: ScramHash;
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly salt: string;
  readonly messages: readonly [string, string, string, string];
}

/** RFC 5802 section 5 and RFC 7677 section 3: user `user`, password `pencil`. */
const vectors: readonly Vector[] = [
  {
    hash: 'SHA-1',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    salt: 'QSXCR+Q6sek8bf92',
    messages: [
      'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    ],
  },
  {
    hash: 'SHA-256',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    messages: [
      'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ],
  },
];

const NO_BINDINGS: ChannelBindings = new Map();
const user = parseJid('user@acme.example');

async function server(hash: ScramHash, more: Partial<ScramServerOptions> = {}, salt = Buffer.alloc(16, 7)) {
  const keys = await deriveScramKeys(hash, 'pencil', salt, 4096);
  return scramServer({
    hash,
    isPlus: false,
    bindings: NO_BINDINGS,
    wasPlusOffered: false,
    findKeys: async (name) => (name === 'user' ? { user, keys } : undefined),
    disguise: { secret: Buffer.alloc(32, 1), iterations: 4096 },
    ...more,
  });
}

describe('SCRAM vectors', () => {
  for (const { hash, clientNonce, serverNonce, salt, messages } of vectors) {
    it(hash, async () => {
      const client = scramClient({
        hash,
        username: 'user',
        password: 'pencil',
        bindings: NO_BINDINGS,
        binding: null,
        nonce: () => clientNonce,
      });
      const exchange = await server(hash, { nonce: () => serverNonce }, Buffer.from(salt, 'base64'));
      const said: string[] = [client.start().toString()];
      const first = await exchange.respond(client.start());
      assert.ok(first.kind === 'challenge');
      said.push(first.data.toString());
      const final = await client.respond(first.data);
      said.push(final.toString());
      const last = await exchange.respond(final);
      assert.ok(last.kind === 'success');
      said.push(String(last.data));
      client.finish(last.data);
      assert.deepEqual(said, messages);
      assert.equal(last.user, user);
    });
  }
});

async function signIn(options: {
  readonly hash?: ScramHash;
  readonly username?: string;
  readonly password?: string;
  readonly authzid?: string;
  readonly client?: ChannelBindings;
  readonly server?: ChannelBindings;
  readonly isPlus?: boolean;
  readonly wasPlusOffered?: boolean;
}): Promise<string> {
  const { hash = 'SHA-256', isPlus = false } = options;
  const exchange = await server(hash, {
    isPlus,
    bindings: options.server ?? NO_BINDINGS,
    wasPlusOffered: options.wasPlusOffered ?? false,
  });
  const client = scramClient({
    hash,
    username: options.username ?? 'user',
    password: options.password ?? 'pencil',
    bindings: options.client ?? NO_BINDINGS,
    binding: isPlus ? 'tls-exporter' : null,
    ...(options.authzid === undefined ? {} : { authzid: options.authzid }),
  });
  try {
    const first = await exchange.respond(client.start());
    assert.ok(first.kind === 'challenge');
    const last = await exchange.respond(await client.respond(first.data));
    assert.ok(last.kind === 'success');
    client.finish(last.data);
    return last.user.full;
  } catch (error) {
    assert.ok(error instanceof SaslError, String(error));
    return error.condition;
  }
}

const bindings = (text: string): ChannelBindings => new Map([['tls-exporter', Buffer.from(text)]]);

describe('SCRAM', () => {
  const rows: readonly (readonly [string, Parameters<typeof signIn>[0], string])[] = [
    ['signs in', {}, 'user@acme.example'],
    ['refuses a wrong password', { password: 'pen' }, 'not-authorized'],
    ['refuses a name that nobody has, only at the end', { username: 'nobody' }, 'not-authorized'],
    ['takes a name with comma and equals sign', { username: 'a,=b' }, 'not-authorized'],
    ['lets a user be itself', { authzid: 'User@acme.example' }, 'user@acme.example'],
    ['lets nobody be somebody else', { authzid: 'other@acme.example' }, 'invalid-authzid'],
    ['binds to the channel', { isPlus: true, client: bindings('x'), server: bindings('x') }, 'user@acme.example'],
    ['sees another channel', { isPlus: true, client: bindings('x'), server: bindings('y') }, 'not-authorized'],
    ['refuses a binding that it does not have', { isPlus: true, client: bindings('x') }, 'malformed-request'],
    ['lets a client that could bind sign in where nothing is offered', { client: bindings('x') }, 'user@acme.example'],
    ['sees that its offer was taken away', { client: bindings('x'), wasPlusOffered: true }, 'not-authorized'],
    ['hashes by SHA-1 too', { hash: 'SHA-1' }, 'user@acme.example'],
  ];
  for (const [name, options, expected] of rows) it(name, async () => assert.equal(await signIn(options), expected));

  it('gives a name that nobody has the same salt each time, like any other', async () => {
    const salts = new Set<string>();
    for (let turn = 0; turn < 2; turn += 1) {
      const step = await (await server('SHA-256')).respond(Buffer.from('n,,n=nobody,r=abc'));
      assert.ok(step.kind === 'challenge');
      salts.add(/,s=([^,]+),i=4096$/.exec(step.data.toString())?.[1] ?? '');
    }
    assert.equal(salts.size, 1);
    assert.equal(Buffer.from([...salts].join(), 'base64').length, 16);
  });

  for (const message of [
    '',
    'n',
    'n,,',
    'n,,n=user',
    'n,,r=abc,n=user',
    'n,,n=,r=abc',
    'n,,n=us=er,r=abc',
    'n,,n=user,r=',
    'n,,n=user,r=a\u0001c',
    'n,,m=x,n=user,r=abc',
    'p=tls-exporter,,n=user,r=abc',
    'x,,n=user,r=abc',
    'n,b=c,n=user,r=abc',
  ]) {
    it(`refuses the first message ${JSON.stringify(message)}`, async () => {
      await assert.rejects((await server('SHA-256')).respond(Buffer.from(message)), {
        code: 'xmpp.sasl.malformed-request',
      });
    });
  }
  for (const message of [
    '',
    'c=biws',
    'c=biws,r=NONCE',
    'c=!,r=NONCE,p=YQ==',
    'c=biws,r=NONCE,p=!',
    'c=biws,r=NONCE,p=YQ==',
    'c=biws,r=other,p=YQ==',
    'c=eSws,r=NONCE,p=YQ==',
  ]) {
    it(`refuses the last message ${JSON.stringify(message)}`, async () => {
      const exchange = await server('SHA-256');
      const step = await exchange.respond(Buffer.from('n,,n=user,r=abc'));
      assert.ok(step.kind === 'challenge');
      const nonce = /^r=([^,]+)/.exec(step.data.toString())?.[1] ?? '';
      await assert.rejects(exchange.respond(Buffer.from(message.replace('NONCE', nonce))), /Sasl|Xmpp/);
    });
  }

  it('does not trust a server that changes the nonce, asks for few or too many rounds, or cannot sign', async () => {
    const client = () =>
      scramClient({
        hash: 'SHA-1',
        username: 'user',
        password: 'pencil',
        bindings: NO_BINDINGS,
        binding: null,
        nonce: () => 'abc',
      });
    for (const challenge of [
      'r=xyz,s=YWJj,i=4096',
      'r=abc,s=YWJj,i=4096',
      'r=abcd,s=YWJj,i=1',
      'r=abcd,s=YWJj,i=9999999',
      'r=abcd,s=YWJj,i=x',
    ]) {
      await assert.rejects(client().respond(Buffer.from(challenge)), { code: 'xmpp.sasl.not-authorized' }, challenge);
    }
    const fooled = client();
    await fooled.respond(Buffer.from('r=abcd,s=YWJj,i=4096'));
    assert.throws(() => fooled.finish(Buffer.from('v=YWJj')), { code: 'xmpp.sasl.not-authorized' });
    assert.throws(() => client().finish(null), { code: 'xmpp.sasl.not-authorized' });
  });
});
