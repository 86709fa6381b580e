import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLocator, type LocatorResolver } from '../../src/sip/location/locate.ts';
import { type SrvRecord, srvOrder } from '../../src/sip/location/srv-order.ts';
import type { SipTransport } from '../../src/sip/transport/flow.ts';
import { parseUri } from '../../src/sip/values/uri.ts';

type Zone = Readonly<Record<string, readonly unknown[]>>;

/** A zone: `NAPTR acme.example` and so on. A name that is not there does not exist. */
function locator(zone: Zone, options: { transports?: readonly SipTransport[]; hosts?: Zone; fail?: string } = {}) {
  const asked: string[] = [];
  const answer = (type: string) => async (name: string) => {
    asked.push(`${type} ${name}`);
    if (options.fail === type) throw Object.assign(new Error('server failure'), { code: 'ESERVFAIL' });
    const found = zone[`${type} ${name}`];
    if (found === undefined) throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
    return found as never;
  };
  const resolver: LocatorResolver = {
    resolveNaptr: answer('NAPTR'),
    resolveSrv: answer('SRV'),
    resolve4: answer('A'),
    resolve6: answer('AAAA'),
  };
  const made = createLocator({
    resolver,
    lookup: async (name) => {
      const found = options.hosts?.[name];
      if (found === undefined) throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
      return found as readonly string[];
    },
    random: () => 0,
    transports: () => options.transports ?? ['TLS', 'TCP', 'UDP'],
    families: [4, 6],
  });
  const find = async (uri: string): Promise<string[]> =>
    (await made.locate(parseUri(uri))).map(
      (hop) => `${hop.transport} ${hop.address} ${hop.port}${hop.serverName === undefined ? '' : ` ${hop.serverName}`}`,
    );
  return { find, asked };
}

const srv = (name: string, port: number, priority = 1, weight = 1): SrvRecord => ({ name, port, priority, weight });
const naptr = (order: number, preference: number, service: string, replacement: string) => ({
  flags: 's',
  regexp: '',
  order,
  preference,
  service,
  replacement,
});

const ZONE: Zone = {
  'NAPTR acme.example': [
    naptr(50, 50, 'SIPS+D2T', '_sips._tcp.acme.example'),
    naptr(100, 50, 'SIP+D2U', '_sip._udp.acme.example'),
    naptr(90, 50, 'SIP+D2T', '_sip._tcp.acme.example'),
    naptr(10, 50, 'E2U+sip', 'no.example'),
  ],
  'SRV _sips._tcp.acme.example': [srv('one.acme.example', 5061)],
  'SRV _sip._tcp.acme.example': [srv('two.acme.example', 5070, 2), srv('one.acme.example', 5060, 1)],
  'SRV _sip._udp.acme.example': [srv('one.acme.example', 5060)],
  'SRV _sip._udp.plain.example': [srv('two.acme.example', 5090)],
  'A one.acme.example': ['192.0.2.1'],
  'A two.acme.example': ['192.0.2.2'],
  'AAAA two.acme.example': ['2001:db8::2'],
};

describe('location of SIP servers (RFC 3263)', () => {
  const ROWS: readonly [string, string, readonly string[]][] = [
    [
      'NAPTR chooses the transports, in its order',
      'sip:acme.example',
      [
        'TLS 192.0.2.1 5061 acme.example',
        'TCP 192.0.2.1 5060',
        'TCP 192.0.2.2 5070',
        'TCP 2001:db8::2 5070',
        'UDP 192.0.2.1 5060',
      ],
    ],
    ['sips takes TLS alone', 'sips:acme.example', ['TLS 192.0.2.1 5061 acme.example']],
    ['a transport goes straight to SRV', 'sip:acme.example;transport=udp', ['UDP 192.0.2.1 5060']],
    ['sips over tcp is TLS', 'sips:acme.example;transport=tcp', ['TLS 192.0.2.1 5061 acme.example']],
    [
      'without NAPTR, SRV is asked for each transport',
      'sip:plain.example',
      ['UDP 192.0.2.2 5090', 'UDP 2001:db8::2 5090'],
    ],
    ['a port goes straight to addresses', 'sip:one.acme.example:5080', ['UDP 192.0.2.1 5080']],
    ['without SRV, the default port', 'sip:one.acme.example', ['UDP 192.0.2.1 5060']],
    ['and TLS for sips', 'sips:one.acme.example', ['TLS 192.0.2.1 5061 one.acme.example']],
    ['an address is itself', 'sip:192.0.2.9', ['UDP 192.0.2.9 5060']],
    ['an IPv6 address loses its brackets', 'sip:[2001:db8::9]:5070;transport=tcp', ['TCP 2001:db8::9 5070']],
    ['maddr stands for the host', 'sip:acme.example;maddr=192.0.2.7;transport=tcp', ['TCP 192.0.2.7 5060']],
  ];
  for (const [what, uri, expected] of ROWS) {
    it(what, async () => assert.deepEqual(await locator(ZONE).find(uri), expected));
  }

  it('asks nothing about an address', async () => {
    const { find, asked } = locator({});
    await find('sips:192.0.2.1:5099');
    assert.deepEqual(asked, []);
  });

  it('leaves out transports that we lack', async () => {
    assert.deepEqual(await locator(ZONE, { transports: ['UDP'] }).find('sip:acme.example'), ['UDP 192.0.2.1 5060']);
  });

  it('asks the machine for names that DNS does not know', async () => {
    assert.deepEqual(await locator({}, { hosts: { imp2: ['127.0.0.2'] } }).find('sip:imp2'), ['UDP 127.0.0.2 5060']);
  });

  it('goes on to SRV when the name server cannot do NAPTR', async () => {
    assert.deepEqual(await locator(ZONE, { fail: 'NAPTR' }).find('sip:plain.example;transport=udp'), [
      'UDP 192.0.2.2 5090',
      'UDP 2001:db8::2 5090',
    ]);
  });

  it('obeys the SRV record that says there is no such service', async () => {
    const zone = { 'SRV _sip._tcp.none.example': [srv('.', 0)] };
    await assert.rejects(() => locator(zone).find('sip:none.example;transport=tcp'), { code: 'sip.unresolved' });
  });

  const REFUSED: readonly [string, string, number][] = [
    ['a name that nobody knows', 'sip:nowhere.example', 503],
    ['a scheme without servers', 'tel:+1555', 416],
    ['a transport that is not spoken', 'sip:acme.example;transport=sctp', 503],
  ];
  for (const [what, uri, status] of REFUSED) {
    it(`refuses ${what} with ${status}`, () =>
      assert.rejects(
        () => locator({}).find(uri),
        (error: { code: string; answer?: { status: number } }) =>
          error.code === 'sip.unresolved' && error.answer?.status === status,
      ));
  }

  it('tells what the name server said when nothing was found', () =>
    assert.rejects(
      () => locator({}, { fail: 'A' }).find('sip:acme.example'),
      (error: Error) => (error.cause as { code: string }).code === 'ESERVFAIL',
    ));
});

describe('the order of SRV records (RFC 2782)', () => {
  it('shares by weight within a priority, and never puts a later priority first', () => {
    const records = [srv('a', 1, 1, 30), srv('b', 1, 1, 10), srv('c', 1, 2, 100), srv('z', 1, 1, 0)];
    const firsts: Record<string, number> = {};
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let turn = 0; turn < 8_000; turn += 1) {
      const order = srvOrder(records, random).map((record) => record.name);
      assert.deepEqual([order.length, order.at(-1)], [4, 'c']);
      const first = order[0] as string;
      firsts[first] = (firsts[first] ?? 0) + 1;
    }
    const ratio = (firsts.a ?? 0) / (firsts.b ?? 1);
    assert.ok(ratio > 2.6 && ratio < 3.4, `${ratio}`);
    assert.ok((firsts.z ?? 0) < 400);
  });
});
