import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SipError } from '../../src/sip/errors.ts';
import { createAck, createCancel, createRequest, createResponse } from '../../src/sip/message/build.ts';
import { createStreamFramer, type Frame } from '../../src/sip/message/framer.ts';
import { READERS, type TypedHeader } from '../../src/sip/message/header-types.ts';
import { Headers } from '../../src/sip/message/headers.ts';
import type { SipMessage, SipRequest } from '../../src/sip/message/message.ts';
import { parseDatagram, SipParseError } from '../../src/sip/message/parse.ts';
import { writeMessage } from '../../src/sip/message/write.ts';
import { NameAddr } from '../../src/sip/values/name-addr.ts';

const FOLDER = new URL('../../fixtures/sip/rfc4475/', import.meta.url);
const fixtures = readdirSync(FOLDER).map((name) => readFileSync(new URL(name, FOLDER)));

const REGISTER = [
  'REGISTER sip:acme.example SIP/2.0',
  'v: SIP/2.0/TCP 192.0.2.7:5060;branch=z9hG4bK1;rport, SIP/2.0/UDP edge.acme.example;branch=z9hG4bK0',
  'Max-Forwards: 70',
  'f: Alice <sip:alice@acme.example>;tag=a1',
  't: <sip:alice@acme.example>',
  'i: c1',
  'CSeq: 1 REGISTER',
  'm: <sip:alice@192.0.2.7>;+sip.instance="<urn:uuid:0>";reg-id=1',
  'X-Odd  :   kept,  exactly ; so',
  'Supported: path, outbound',
  'l: 4',
  '',
  'body',
].join('\r\n');

const parse = (text: string): SipMessage => parseDatagram(Buffer.from(text));
const readEverything = (message: SipMessage): void => {
  for (const key of Object.keys(READERS) as TypedHeader[]) {
    for (const value of message.headers.list(key)) if (value instanceof NameAddr) void value.uri;
  }
};
const ourErrorsOnly = (task: () => void): void => {
  try {
    task();
  } catch (error) {
    if (!(error instanceof SipError)) throw error;
  }
};

describe('a SIP message', () => {
  it('keeps what nobody touches byte for byte, whatever is changed around it', () => {
    const message = parse(REGISTER);
    message.headers.addFirst('Via', 'SIP/2.0/TLS proxy.acme.example;branch=z9hG4bK2').set('max-forwards', '69');
    const written = writeMessage(message).toString();
    assert.match(written, /\r\nX-Odd {2}: {3}kept, {2}exactly ; so\r\n/);
    assert.match(written, /^REGISTER [^\r]+\r\nVia: SIP\/2.0\/TLS [^\r]+\r\nv: SIP\/2.0\/TCP /);
    assert.match(written, /\r\nMax-Forwards: 69\r\nf: Alice /);
  });

  it('loses the first value of a list alone', () => {
    const { headers } = parse(REGISTER);
    headers.deleteFirst('via');
    assert.deepEqual(headers.texts('via'), ['SIP/2.0/UDP edge.acme.example;branch=z9hG4bK0']);
    headers.deleteFirst('via');
    assert.equal(headers.has('v'), false);
  });

  it('never shares edits with its clone', () => {
    const { headers } = parse(REGISTER);
    const copy = headers.clone();
    copy.set('Subject', 'x').delete('contact').replaceFirst('via', 'SIP/2.0/UDP h');
    assert.deepEqual([headers.has('subject'), headers.has('contact')], [false, true]);
    assert.equal(headers.get('via')?.host, '192.0.2.7');
  });

  it('tells its own Content-Length', () => {
    const message = { ...parse(REGISTER), body: Buffer.from('longer body') };
    assert.match(writeMessage(message).toString(), /\r\nContent-Length: 11\r\n\r\nlonger body$/);
  });

  it('cannot be made to carry a line end in a value', () => {
    assert.throws(() => new Headers().add('Subject', 'a\r\nVia: x'), SipError);
    assert.throws(() => writeMessage(createResponse(parse(REGISTER) as SipRequest, 200, { reason: 'a\nb' })), SipError);
    assert.throws(() => writeMessage({ ...(parse(REGISTER) as SipRequest), uri: 'sip:a b' }), SipError);
  });

  it('is answered with its Vias, From, To, Call-ID and CSeq, and a tag', () => {
    const answer = createResponse(parse(REGISTER) as SipRequest, 401, {
      toTag: 't9',
      headers: [['WWW-Authenticate', 'Digest realm="acme.example"']],
    });
    assert.deepEqual(
      answer.headers.fields.map((field) => field.key),
      ['via', 'from', 'to', 'call-id', 'cseq', 'www-authenticate'],
    );
    assert.equal(answer.headers.get('to')?.tag, 't9');
    assert.equal(parse(writeMessage(answer).toString()).kind, 'response');
  });

  it('is cancelled and acknowledged on its own hop', () => {
    const invite = parse(
      REGISTER.replaceAll('REGISTER', 'INVITE').replace('l: 4', 'Route: <sip:r1;lr>, <sip:r2;lr>\r\nl: 4'),
    ) as SipRequest;
    const cancel = createCancel(invite);
    assert.equal(cancel.headers.text('cseq'), '1 CANCEL');
    assert.equal(cancel.headers.list('route').length, 2);
    const ack = createAck(invite, createResponse(invite, 486, { toTag: 'x' }));
    assert.deepEqual([ack.headers.text('cseq'), ack.headers.get('to')?.tag], ['1 ACK', 'x']);
  });

  const LIMITED: readonly [string, string, number][] = [
    ['more than 256 header fields', REGISTER.replace('\r\nl:', `${'\r\nX: y'.repeat(256)}\r\nl:`), 513],
    ['a header field of more than 8 KiB', REGISTER.replace('\r\nl:', `\r\nX: ${'y'.repeat(8192)}\r\nl:`), 513],
    ['a bare line feed', REGISTER.replace('\r\nX-Odd', '\nX-Odd'), 400],
    ['a bare carriage return', REGISTER.replace('kept', 'ke\rpt'), 400],
    ['a fold before the first header', REGISTER.replace('\r\nv:', '\r\n X: y\r\nv:'), 400],
    ['a line without a colon', REGISTER.replace('X-Odd  :', 'X-Odd'), 400],
    ['no empty line at the end', REGISTER.slice(0, REGISTER.indexOf('\r\n\r\n')), 400],
    ['a Content-Length with a sign', REGISTER.replace('l: 4', 'l: +4'), 400],
  ];
  for (const [what, text, status] of LIMITED) {
    it(`is refused with ${status}: ${what}`, () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof SipParseError && error.answer?.status === status && error.request !== undefined,
      );
    });
  }

  it('is refused past 64 KiB and when it is not UTF-8', () => {
    assert.throws(() => parse(`${REGISTER}${'x'.repeat(65_536)}`), /passes the bound/);
    assert.throws(() => parseDatagram(Buffer.from(REGISTER.replace('Alice', 'Zo\u00eb'), 'latin1')), /not UTF-8/);
  });

  it('of random bytes is never more than refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => ourErrorsOnly(() => parseDatagram(Buffer.from(bytes)))),
    );
  });

  it('mutated is read or refused, never more, and stable once written', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...fixtures),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(3), fc.constantFrom(...' \t\r\n:;,<>"\\=@%()[]\0é9Aa')), {
          maxLength: 6,
        }),
      )
      .map(([bytes, edits]) => {
        let text = bytes.toString('latin1');
        for (const [at, cut, put] of edits) {
          const place = at % text.length;
          text = text.slice(0, place) + put + text.slice(place + cut);
        }
        return Buffer.from(text, 'latin1');
      });
    fc.assert(
      fc.property(mutated, (bytes) =>
        ourErrorsOnly(() => {
          const message = parseDatagram(bytes);
          const written = writeMessage(message);
          assert.deepEqual(writeMessage(parseDatagram(written)), written);
          readEverything(message);
        }),
      ),
      { numRuns: 3000 },
    );
  });

  it('made here is read as it was meant', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9]{1,12}$/);
    const name = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\r\n\p{Surrogate}]/u.test(text));
    fc.assert(
      fc.property(word, word, name, fc.nat(0x7fff_ffff), fc.uint8Array(), (user, tag, displayName, cseq, body) => {
        const made = createRequest({
          method: 'MESSAGE',
          uri: `sip:${user}@acme.example`,
          from: new NameAddr(`sip:${user}@acme.example`, new Map([['tag', tag]]), displayName),
          to: new NameAddr('sip:bob@acme.example'),
          callId: tag,
          cseq,
          headers: [['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx']],
          contentType: 'application/octet-stream',
          body: Buffer.from(body),
        });
        const read = parseDatagram(writeMessage(made)) as SipRequest;
        assert.equal(read.headers.get('from')?.displayName, displayName);
        assert.equal(read.headers.get('from')?.tag, tag);
        assert.deepEqual(read.headers.get('cseq'), { number: cseq, method: 'MESSAGE' });
        assert.deepEqual(read.body, Buffer.from(body));
      }),
    );
  });
});

describe('the stream framer', () => {
  const kinds = (frames: readonly Frame[]): string[] => frames.map((frame) => frame.kind);

  it('cuts a stream into the same messages, however it arrives', () => {
    const stream = Buffer.from(`\r\n\r\n${REGISTER}\r\n${REGISTER}${REGISTER}\r\n\r\n`);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sizes) => {
        const framer = createStreamFramer();
        const frames: Frame[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number;
          frames.push(...framer.write(stream.subarray(at, at + size)));
          at += size;
        }
        const messages = frames.filter((frame) => frame.kind === 'message');
        assert.equal(messages.length, 3);
        for (const { message } of messages) assert.equal(writeMessage(message).toString(), REGISTER);
        assert.equal(framer.isInside, false);
      }),
    );
  });

  it('tells a ping from a pong', () => {
    assert.deepEqual(kinds(createStreamFramer().write(Buffer.from('\r\n\r\n\r\n'))), ['ping', 'pong']);
  });

  it('goes on after a message that is wrong in itself', () => {
    const wrong = REGISTER.replace('1 REGISTER', '1 INVITE');
    assert.deepEqual(kinds(createStreamFramer().write(Buffer.from(wrong + REGISTER))), ['refused', 'message']);
  });

  for (const [what, text] of [
    ['there is no Content-Length', REGISTER.replace('\r\nl: 4', '')],
    ['there are two', REGISTER.replace('l: 4', 'l: 4\r\nl: 0')],
    ['it is negative', REGISTER.replace('l: 4', 'l: -4')],
    ['it passes the bound', REGISTER.replace('l: 4', 'l: 70000')],
    ['a line ends in LF alone', REGISTER.replace('\r\nX-Odd', '\nX-Odd')],
    ['no header ends', 'x'.repeat(70_000)],
  ] as const) {
    it(`gives up when ${what}`, () => {
      const framer = createStreamFramer();
      assert.deepEqual(kinds(framer.write(Buffer.from(text + REGISTER))), ['broken']);
      assert.deepEqual(framer.write(Buffer.from(REGISTER)), []);
    });
  }

  it('never does more than refuse, whatever arrives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
        fc.constantFrom(...fixtures),
        (noise, fixture) => {
          const framer = createStreamFramer();
          for (const piece of [...noise, fixture, ...noise]) framer.write(Buffer.from(piece));
        },
      ),
    );
  });
});
