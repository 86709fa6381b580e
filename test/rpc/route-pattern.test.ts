import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compilePattern, faultOfPattern, faultOfTemplate } from '../../src/rpc/sip-proxy/route-pattern.ts';
import { createRouteTable, faultOfRoute } from '../../src/rpc/sip-proxy/static-route.ts';
import { staticRoute } from './support/proxy-configuration.ts';

/** The same as a regular expression: slow on hostile patterns, and right. */
function expression(pattern: string): RegExp {
  const source = pattern.replace(/\\\*|\.|\*|[\s\S]/gu, (piece) => {
    if (piece === '\\*') return '\\*';
    if (piece === '.') return '[\\s\\S]';
    if (piece === '*') return '[\\s\\S]*';
    return piece.replace(/[\\^$+?()[\]{}|/-]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'u');
}

describe('destination patterns', () => {
  it('of users match as the regular expression of the same meaning does', () => {
    const piece = fc.constantFrom('a', 'b', '.', '*', '\\*', 'é');
    const patterns = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''));
    const subjects = fc.array(fc.constantFrom('a', 'b', '*', 'é'), { maxLength: 8 }).map((all) => all.join(''));
    fc.assert(
      fc.property(patterns, subjects, (pattern, subject) => {
        assert.equal(faultOfPattern('user', pattern, []), undefined);
        assert.equal(compilePattern('user', pattern).matches(subject), expression(pattern).test(subject));
      }),
      { numRuns: 2_000 },
    );
  });

  it('take a time that the pattern cannot make long', () => {
    const pattern = compilePattern('user', `${'a*'.repeat(120)}b`);
    const started = process.cpuUsage().user;
    assert.equal(pattern.matches('a'.repeat(4_000)), false);
    assert.ok(process.cpuUsage(undefined).user - started < 1_000_000);
  });

  it('are judged by their kind', () => {
    const templates = ['74..78', '5....10'];
    const cases: readonly (readonly ['user' | 'domain', string, RegExp | undefined])[] = [
      ['user', '7400', undefined],
      ['user', '+4989*', undefined],
      ['user', '74....', undefined],
      ['user', '\\*67', undefined],
      ['user', '74..78', undefined],
      ['user', '74..79', undefined],
      ['user', '75..78', /fits no route embed template/],
      ['user', '74.578', /fits no route embed template/],
      ['user', '74..789', /fits no route embed template/],
      ['user', '7*8', /only at the end/],
      ['user', 'alice.*', undefined],
      ['user', '', /empty/],
      ['user', '1'.repeat(256), /longer than 255/],
      ['user', '1'.repeat(255), undefined],
      ['user', 'a b', /white space/],
      ['user', 'a\\b', /backslash/],
      ['domain', 'other.example', undefined],
      ['domain', '*.example', undefined],
      ['domain', '.com.example.*', undefined],
      ['domain', '.com.*.example', /only at the end/],
      ['domain', 'a..b', /not a domain/],
      ['domain', 'a_b!', /not a domain/],
    ];
    for (const [type, pattern, expected] of cases) {
      const fault = faultOfPattern(type, pattern, templates);
      if (expected === undefined) assert.equal(fault, undefined, pattern);
      else assert.match(fault ?? 'no fault', expected, pattern);
    }
    assert.match(faultOfTemplate('74*') ?? '', /digits and dots/);
    assert.match(faultOfTemplate('7478..') ?? '', /no wildcard within/);
  });

  it('of domains know both ways of writing them', () => {
    const matches = (pattern: string, domain: string): boolean => compilePattern('domain', pattern).matches(domain);
    assert.ok(matches('Other.Example', 'other.example'));
    assert.ok(!matches('other.example', 'otherXexample'));
    assert.ok(matches('*.example', 'a.b.example'));
    assert.ok(!matches('*.example', 'example'));
    assert.ok(matches('.com.example.*', 'example.com'));
    assert.ok(matches('.com.example.*', 'sip.Example.com'));
    assert.ok(!matches('.com.example.*', 'badexample.com'));
    assert.ok(matches('.com.example', 'example.com'));
    assert.ok(!matches('.com.example', 'sip.example.com'));
  });
});

describe('static routes', () => {
  it('are judged field by field', () => {
    const fault = (given: Parameters<typeof staticRoute>[0]): string | undefined =>
      faultOfRoute(staticRoute(given), []);
    assert.equal(fault({}), undefined);
    assert.match(fault({ nextHop: 'gw 1' }) ?? '', /next hop/);
    assert.match(fault({ nextHop: '' }) ?? '', /next hop/);
    assert.match(fault({ port: 65_536 }) ?? '', /port/);
    assert.match(fault({ port: 0, nextHop: '10.0.0.1' }) ?? '', /SRV/);
    assert.equal(fault({ port: 0 }), undefined);
    assert.match(fault({ priority: 0 }) ?? '', /priority/);
    assert.match(fault({ weight: 65_536 }) ?? '', /weight/);
    assert.equal(fault({ block: true, nextHop: '', weight: 0 }), undefined);
  });

  it('are chosen by the longest pattern, then priority, then weight', () => {
    const table = createRouteTable([
      staticRoute({ pattern: '7*', nextHop: 'wide' }),
      staticRoute({ pattern: '74*', nextHop: 'second', priority: 2 }),
      staticRoute({ pattern: '74*', nextHop: 'light', weight: 1 }),
      staticRoute({ pattern: '74*', nextHop: 'heavy', weight: 9 }),
      staticRoute({ pattern: '740*', nextHop: 'off', inService: false }),
      staticRoute({ pattern: '749*', nextHop: 'only', allowLessSpecific: false }),
      staticRoute({ pattern: '7490', block: true }),
      staticRoute({ pattern: '*.example', type: 'domain', nextHop: 'federated' }),
    ]);
    const hops = (user: string, domain = 'acme.test'): unknown => {
      const choice = table.choose(user, domain);
      return choice.kind === 'routes' ? choice.groups.map((group) => group.map(({ nextHop }) => nextHop)) : choice.kind;
    };
    assert.deepEqual(hops('7400'), [['heavy', 'light'], ['second'], ['wide']]);
    assert.deepEqual(hops('7491'), [['only']]);
    assert.deepEqual(hops('7490'), 'blocked');
    assert.deepEqual(hops('8000'), 'none');
    assert.deepEqual(hops('8000', 'sip.example'), [['federated']]);
  });
});
