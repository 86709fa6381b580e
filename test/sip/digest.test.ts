import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { digestHa1, digestResponse } from '../../src/sip/digest/algorithms.ts';
import { createDigestAuthenticator, type DigestAuthenticatorOptions } from '../../src/sip/digest/authenticator.ts';
import { createDigestClient, type DigestClientOptions } from '../../src/sip/digest/client.ts';
import { createNonces } from '../../src/sip/digest/nonces.ts';
import { createRequest, createResponse } from '../../src/sip/message/build.ts';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { createSeal } from '../../src/sip/seal.ts';
import { NameAddr } from '../../src/sip/values/name-addr.ts';
import { FakeClock } from '../support/fake-clock.ts';

const register = (uri = 'sip:acme.example'): SipRequest =>
  createRequest({
    method: 'REGISTER',
    uri,
    from: new NameAddr('sip:alice@acme.example', new Map([['tag', 'a']])),
    to: new NameAddr('sip:alice@acme.example'),
    callId: 'c1',
    cseq: 1,
  });

function world(options: Partial<DigestAuthenticatorOptions> = {}, client: Partial<DigestClientOptions> = {}) {
  const clock = new FakeClock();
  const server = createDigestAuthenticator({
    realm: 'acme.example',
    clock,
    secretOf: (username) => (username === 'alice' ? { password: 'Imp-demo-1' } : undefined),
    ...options,
  });
  const phone = createDigestClient({ username: 'alice', passwordFor: () => 'Imp-demo-1', ...client });
  const signed = (request = register(), isStale = false): SipRequest | undefined =>
    phone.answer(request, createResponse(request, 401, { headers: server.challenge('www', isStale) }));
  return { clock, server, phone, signed };
}

describe('the digest of RFC 7616', () => {
  const common = {
    method: 'GET',
    uri: '/dir/index.html',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    qop: { nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
  };
  it('agrees with its example 3.9.1', () => {
    const answer = (algorithm: 'MD5' | 'SHA-256'): string =>
      digestResponse({
        ...common,
        algorithm,
        ha1: digestHa1(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life'),
      });
    assert.equal(answer('MD5'), '8ca523f5e9506fed4657c9700eebdbec');
    assert.equal(answer('SHA-256'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
  });
  it('agrees with the example of RFC 2617 3.5', () => {
    assert.equal(
      digestResponse({
        algorithm: 'MD5',
        ha1: digestHa1('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life'),
        method: 'GET',
        uri: '/dir/index.html',
        nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
        qop: { nc: '00000001', cnonce: '0a4f113b' },
      }),
      '6629fae49393a05397450978507c4ef1',
    );
  });
});

describe('the digest authenticator', () => {
  it('challenges, best algorithm first, and accepts the answer', async () => {
    const { server, signed } = world();
    assert.deepEqual(await server.check(register(), 'www'), { outcome: 'challenge', isStale: false });
    assert.deepEqual(
      server.challenge('proxy').map(([name, value]) => `${name} ${/algorithm=([^,]+)/.exec(value)?.[1]}`),
      ['Proxy-Authenticate SHA-256', 'Proxy-Authenticate MD5'],
    );
    const answer = signed();
    assert(answer);
    assert.equal(answer.headers.text('cseq'), '2 REGISTER');
    assert.deepEqual(await server.check(answer, 'www'), {
      outcome: 'accepted',
      username: 'alice',
      algorithm: 'SHA-256',
    });
  });

  it('accepts MD5 from a client that knows no better, and H(A1) instead of a password', async () => {
    const ha1 = { MD5: digestHa1('MD5', 'alice', 'acme.example', 'Imp-demo-1') };
    const { server, signed } = world({ secretOf: () => ({ ha1 }) }, { algorithms: ['MD5'] });
    assert.equal((await server.check(signed() as SipRequest, 'www')).outcome, 'accepted');
    const better = world({ secretOf: () => ({ ha1 }) });
    assert.equal((await better.server.check(better.signed() as SipRequest, 'www')).outcome, 'denied');
  });

  it('denies a wrong password and an unknown user alike', async () => {
    for (const client of [{ passwordFor: () => 'wrong' }, { username: 'nobody' }]) {
      const { server, signed } = world({}, client);
      const outcome = await server.check(signed() as SipRequest, 'www');
      assert.equal(outcome.outcome, 'denied');
    }
  });

  it('takes each nonce count once, late ones within a window', async () => {
    const { server, signed } = world();
    const first = signed() as SipRequest;
    assert.equal((await server.check(first, 'www')).outcome, 'accepted');
    assert.deepEqual(await server.check(first, 'www'), { outcome: 'challenge', isStale: true });
  });

  it('calls an old nonce stale, and one of another maker none', async () => {
    const { server, signed, clock } = world();
    const request = signed() as SipRequest;
    await clock.advance(300_001);
    assert.deepEqual(await server.check(request, 'www'), { outcome: 'challenge', isStale: true });
    assert.deepEqual(await world().server.check(request, 'www'), { outcome: 'challenge', isStale: false });
  });

  it('answers stale only to who has the right password', async () => {
    const { server, signed, clock } = world({}, { passwordFor: () => 'wrong' });
    const request = signed() as SipRequest;
    await clock.advance(300_001);
    assert.equal((await server.check(request, 'www')).outcome, 'denied');
  });

  it('does not take a digest made for another host or another method', async () => {
    const { server, signed } = world();
    const request = signed() as SipRequest;
    assert.equal((await server.check({ ...request, uri: 'sip:else.example' }, 'www')).outcome, 'challenge');
    assert.equal((await server.check({ ...request, method: 'INVITE' }, 'www')).outcome, 'denied');
  });

  it('ignores credentials for other realms and schemes', async () => {
    const { server, signed } = world();
    const request = signed() as SipRequest;
    request.headers.addFirst('Authorization', 'Basic realm="acme.example"');
    request.headers.addFirst('Authorization', 'Digest realm="else", username="x"');
    assert.equal((await server.check(request, 'www')).outcome, 'accepted');
  });

  it('refuses credentials that lack a part with 400', async () => {
    const { server, signed } = world();
    for (const part of [
      /nonce="[^"]*", /,
      /username="[^"]*", /,
      /, nc=\d+/,
      /, cnonce="[^"]*"/,
      /response="[^"]*", /,
    ]) {
      const request = signed() as SipRequest;
      request.headers.set('Authorization', request.headers.text('authorization')?.replace(part, '') ?? '');
      await assert.rejects(() => server.check(request, 'www'), { code: 'sip.malformed' });
    }
  });

  it('takes a client without qop once per nonce', async () => {
    const { server } = world();
    const nonce = /nonce="([^"]+)"/.exec(server.challenge('www')[0]?.[1] ?? '')?.[1] ?? '';
    const ha1 = digestHa1('MD5', 'alice', 'acme.example', 'Imp-demo-1');
    const uri = 'sip:acme.example';
    const response = digestResponse({ algorithm: 'MD5', ha1, nonce, method: 'REGISTER', uri, qop: undefined });
    const request = register();
    request.headers.add(
      'Authorization',
      `Digest username="alice", realm="acme.example", nonce="${nonce}", uri="${uri}", response="${response}"`,
    );
    assert.equal((await server.check(request, 'www')).outcome, 'accepted');
    assert.deepEqual(await server.check(request, 'www'), { outcome: 'challenge', isStale: true });
  });
});

describe('the digest client', () => {
  it('answers a stale nonce again, and a refused password not', () => {
    const { signed } = world();
    const first = signed() as SipRequest;
    assert.equal(signed(first), undefined);
    assert.equal(signed(first, true)?.headers.text('cseq'), '3 REGISTER');
  });
  it('answers no realm that it has no password for, and no qop that it does not speak', () => {
    assert.equal(world({}, { passwordFor: () => undefined }).signed(), undefined);
    const { phone } = world();
    const request = register();
    const challenge = 'Digest realm="r", nonce="n", qop="auth-int"';
    assert.equal(
      phone.answer(request, createResponse(request, 401, { headers: [['WWW-Authenticate', challenge]] })),
      undefined,
    );
  });
});

describe('the seal', () => {
  it('is the HMAC of RFC 2104', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.string(), (secret, text) => {
        const expected = createHmac('sha256', secret).update(text).digest().subarray(0, 16);
        assert.deepEqual(createSeal(Buffer.from(secret), 16)(text), expected);
      }),
    );
  });
});

describe('nonce counts', () => {
  const make = (maxTracked = 1000) => {
    const clock = new FakeClock();
    const nonces = createNonces({ clock, secret: randomBytes(32), lifetimeMs: 1000, maxTracked });
    const use = (nonce: string, count: number): string => nonces.use(nonce, nonces.issuedAt(nonce) ?? -1, count);
    return { clock, nonces, use };
  };

  it('are each good at most once, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 120 }), (counts) => {
        const { nonces, use } = make();
        const nonce = nonces.issue();
        const taken = new Set<number>();
        for (const count of counts) {
          const highest = Math.max(0, ...taken);
          const verdict = use(nonce, count);
          if (taken.has(count)) assert.equal(verdict, 'replayed');
          else if (count > highest - 32) assert.equal(verdict, 'good');
          if (verdict === 'good') taken.add(count);
        }
      }),
    );
  });

  it('forgotten for want of room make older nonces stale, never replayable', async () => {
    const { nonces, use, clock } = make(2);
    const made: string[] = [];
    for (let index = 0; index < 4; index += 1) {
      const nonce = nonces.issue();
      assert.equal(use(nonce, 1), 'good');
      made.push(nonce);
      await clock.advance(1);
    }
    assert.deepEqual(
      made.map((nonce) => use(nonce, 1)),
      ['stale', 'stale', 'replayed', 'replayed'],
    );
  });
});
