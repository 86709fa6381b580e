import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SipError } from '../../src/sip/errors.ts';
import { requestUri, type SipMessage, type SipRequest, toOf, topVia } from '../../src/sip/message/message.ts';
import { parseDatagram, SipParseError } from '../../src/sip/message/parse.ts';
import { writeMessage } from '../../src/sip/message/write.ts';
import { NameAddr } from '../../src/sip/values/name-addr.ts';
import { decodeEscapes, isSameUri } from '../../src/sip/values/uri.ts';
import { transactionBranch } from '../../src/sip/values/via.ts';

const FOLDER = new URL('../../fixtures/sip/rfc4475/', import.meta.url);
const bytesOf = (name: string): Buffer => readFileSync(new URL(`${name}.dat`, FOLDER));

/** RFC 4475 3.1.1, 3.2 to 3.4: messages that must be read, and what they say. */
const VALID: Readonly<Record<string, (message: SipMessage) => void>> = {
  wsinv(message) {
    const { headers } = message;
    assert.equal(headers.get('to')?.tag, '1918181833n');
    assert.equal(headers.get('from')?.displayName, 'J Rosenberg \\"');
    assert.equal(headers.get('max-forwards'), 68);
    assert.deepEqual(headers.get('cseq'), { number: 9, method: 'INVITE' });
    assert.equal(headers.text('s'), '');
    assert.deepEqual(
      headers.list('via').map((via) => [via.transport, via.host, via.params.get('branch')]),
      [
        ['UDP', '192.0.2.2', '390skdjuw'],
        ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
        ['UDP', '192.168.255.111', 'z9hG4bK30239'],
      ],
    );
    assert.equal(headers.text('NEWFANGLEDHEADER'), 'newfangled value continued newfangled value');
    assert.equal(headers.text('unknownheaderwithunusualvalue'), ';;,,;;,;');
    const contact = headers.get('contact');
    assert(contact instanceof NameAddr);
    assert.equal(contact.displayName, 'Quoted string ""');
    assert.deepEqual(
      [...contact.params],
      [
        ['newparam', 'newvalue'],
        ['secondparam', ''],
        ['q', '0.33'],
      ],
    );
    assert.equal(message.body.length, 150);
  },
  intmeth(message) {
    const request = message as SipRequest;
    assert.equal(request.method, "!interesting-Method0123456789_*+`.%indeed'~");
    const uri = requestUri(request);
    assert(uri.kind === 'sip');
    assert.equal(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert.equal(uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    assert.equal(toOf(message).displayName, 'BEL:\u0007 NUL:\u0000 DEL:\u007f');
    assert.equal(message.headers.get('from')?.params.get("fromparam''~+*_!.-%"), 'работающий');
    assert.equal(message.headers.text("extensionHeader-!.%*+_`'~"), '\ufeff大停電');
  },
  esc01(message) {
    const uri = requestUri(message as SipRequest);
    assert(uri.kind === 'sip');
    assert.equal(decodeEscapes(uri.user ?? ''), 'sips:user@example.com');
    const contact = message.headers.get('contact');
    assert(contact instanceof NameAddr && contact.uri.kind === 'sip');
    assert.equal(contact.uri.params.get('lr'), '');
    assert.equal(decodeEscapes(contact.uri.params.get('name') ?? ''), 'value%41');
  },
  escnull(message) {
    const [one, two] = message.headers.list('contact');
    assert(one instanceof NameAddr && two instanceof NameAddr);
    assert.equal(isSameUri(one.uri, two.uri), false);
    assert(one.uri.kind === 'sip' && two.uri.kind === 'sip');
    assert.deepEqual([decodeEscapes(one.uri.user ?? ''), decodeEscapes(two.uri.user ?? '')], ['\0', '\0\0']);
  },
  esc02(message) {
    assert.equal((message as SipRequest).method, 'RE%47IST%45R');
    assert.equal(message.headers.get('from')?.displayName, '%Z%45');
    const contact = message.headers.list('contact')[0];
    assert(contact instanceof NameAddr);
    assert.equal(contact.uriText, 'sip:alias1@host1.example.com');
  },
  lwsdisp: (message) => assert.equal(message.headers.get('from')?.displayName, 'caller'),
  longreq(message) {
    assert.equal(message.headers.list('via').length, 34);
    assert.equal(message.body.length, 150);
  },
  dblreq(message) {
    assert.equal((message as SipRequest).method, 'REGISTER');
    assert.equal(message.body.length, 0);
  },
  semiuri(message) {
    const uri = requestUri(message as SipRequest);
    assert(uri.kind === 'sip');
    assert.deepEqual([decodeEscapes(uri.user ?? ''), uri.host], ['user;par=u@example.net', 'example.com']);
    assert.equal(message.headers.list('accept').length, 6);
  },
  transports: (message) =>
    assert.deepEqual(
      message.headers.list('via').map((via) => via.transport),
      ['UDP', 'SCTP', 'TLS', 'UNKNOWN', 'TCP'],
    ),
  mpart01: (message) => assert.equal(message.body.length, 553),
  unreason(message) {
    assert(message.kind === 'response');
    assert.match(message.reason, /^= 2\*\*3 \* 5\*\*2 но сто девяносто девять - простое$/);
  },
  noreason(message) {
    assert(message.kind === 'response');
    assert.deepEqual([message.status, message.reason], [100, '']);
  },
  badbranch: (message) => assert.equal(transactionBranch(topVia(message)), undefined),
  unkscm: (message) => assert.equal(requestUri(message as SipRequest).scheme, 'nobodyknowsthisscheme'),
  novelsc: (message) => assert.equal(requestUri(message as SipRequest).scheme, 'soap.beep'),
  unksm2: (message) => assert.equal(toOf(message).uri.scheme, 'isbn'),
  bext01: (message) => assert.deepEqual(message.headers.list('require')[1], 'nothingSupportsThisEither'),
  invut: (message) => assert.equal(message.headers.get('content-type')?.value, 'application/unknownformat'),
  regaut01: (message) => assert.equal(message.headers.get('authorization')?.scheme, 'nooneknowsthisscheme'),
  bcast: (message) => assert.equal(message.headers.list('via')[1]?.host, '255.255.255.255'),
  zeromf: (message) => assert.equal(message.headers.get('max-forwards'), 0),
  cparam01(message) {
    const contact = message.headers.get('contact');
    assert(contact instanceof NameAddr);
    assert.deepEqual([contact.uriText, contact.params.has('unknownparam')], ['sip:+19725552222@gw1.example.net', true]);
  },
  cparam02(message) {
    const contact = message.headers.get('contact');
    assert(contact instanceof NameAddr && contact.uri.kind === 'sip');
    assert.deepEqual([contact.params.size, contact.uri.params.has('unknownparam')], [0, true]);
  },
  regescrt(message) {
    const contact = message.headers.get('contact');
    assert(contact instanceof NameAddr && contact.uri.kind === 'sip');
    assert.equal(contact.uri.headers, 'Route=%3Csip:sip.example.com%3E');
  },
  sdp01: (message) => assert.equal(message.headers.get('accept')?.value, 'text/nobodyknowsthis'),
  inv2543(message) {
    assert.equal(message.headers.has('max-forwards'), false);
    assert.equal(message.body.length, 105);
  },
};

/** RFC 4475 3.1.2 and 3.3: refused at once; the status that may be answered, or `drop`. */
const REFUSED: Readonly<Record<string, number | 'drop'>> = {
  badinv01: 'drop', // its Via cannot be read, so nobody knows whom to answer
  clerr: 400,
  ncl: 400,
  scalar02: 400,
  scalarlg: 'drop',
  quotbal: 400,
  ltgtruri: 400,
  lwsruri: 400,
  lwsstart: 400,
  trws: 400,
  badaspec: 400,
  baddn: 400,
  badvers: 505,
  mismatch01: 400,
  mismatch02: 400,
  bigcode: 'drop',
  insuf: 400,
  multi01: 400,
  mcl01: 400,
  test: 'drop',
};

/** What is wrong stands where not every element looks: refused by whoever reads that field. */
const REFUSED_WHEN_READ: Readonly<Record<string, (message: SipMessage) => unknown>> = {
  escruri: (message) => requestUri(message as SipRequest),
  baddate: (message) => message.headers.get('date'),
  regbadct: (message) => message.headers.get('contact'),
};

describe('the torture messages of RFC 4475', () => {
  for (const [name, check] of Object.entries(VALID)) {
    it(`${name} is read and says what it says`, () => check(parseDatagram(bytesOf(name))));
  }

  for (const [name, expected] of Object.entries(REFUSED)) {
    it(`${name} is refused: ${expected}`, () => {
      assert.throws(
        () => parseDatagram(bytesOf(name)),
        (error) => {
          assert(error instanceof SipParseError);
          assert.equal(error.request === undefined ? 'drop' : error.answer?.status, expected);
          return true;
        },
      );
    });
  }

  for (const [name, read] of Object.entries(REFUSED_WHEN_READ)) {
    it(`${name} is refused with 400 by whoever reads what is wrong`, () => {
      const message = parseDatagram(bytesOf(name));
      assert.throws(
        () => read(message),
        (error) => error instanceof SipError && error.answer?.status === 400,
      );
    });
  }

  it('are all accounted for', () => {
    const names = readdirSync(FOLDER).map((file) => file.replace('.dat', ''));
    const told = [...Object.keys(VALID), ...Object.keys(REFUSED), ...Object.keys(REFUSED_WHEN_READ)];
    assert.deepEqual(told.sort(), names.sort());
  });

  it('are written again byte for byte', () => {
    for (const name of [...Object.keys(VALID), ...Object.keys(REFUSED_WHEN_READ)]) {
      if (name === 'dblreq' || name === 'inv2543') continue; // a second message cut; no Content-Length
      const bytes = bytesOf(name);
      assert.deepEqual(writeMessage(parseDatagram(bytes)), bytes, name);
    }
  });
});
