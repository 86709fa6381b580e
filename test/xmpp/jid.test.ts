import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { XmppError } from '../../src/xmpp/errors.ts';
import { bareJid, makeJid, parseJid, prepareLocal, tryParseJid, withResource } from '../../src/xmpp/jid.ts';
import { escapeLocal, unescapeLocal } from '../../src/xmpp/jid-escape.ts';
import { linesOf } from './lines.ts';

describe('JIDs that are good', () => {
  for (const [given = '', expected = given] of linesOf('jid-valid.txt')) {
    it(JSON.stringify(given), () => {
      const jid = parseJid(given);
      assert.equal(jid.full, expected);
      assert.deepEqual(parseJid(jid.full), jid, 'preparing twice changes nothing');
    });
  }
});

describe('JIDs that are not', () => {
  for (const [given = ''] of linesOf('jid-invalid.txt')) {
    it(JSON.stringify(given), () => assert.throws(() => parseJid(given), { code: 'xmpp.jid-malformed' }));
  }
});

describe('a JID', () => {
  it('has parts of at most 1023 bytes', () => {
    assert.equal(makeJid('a'.repeat(1023), 'example.com').local?.length, 1023);
    assert.throws(() => makeJid('a'.repeat(1024), 'example.com'), { code: 'xmpp.jid-malformed' });
    assert.throws(() => makeJid('ß'.repeat(512), 'example.com'), { code: 'xmpp.jid-malformed' });
    assert.throws(() => makeJid('a', 'example.com', 'b'.repeat(1024)), { code: 'xmpp.jid-malformed' });
  });

  it('gives and takes a resource', () => {
    const jid = withResource(parseJid('a@example.com/x'), 'y');
    assert.equal(jid.full, 'a@example.com/y');
    assert.equal(bareJid(jid).full, 'a@example.com');
  });

  it('is read from any text or refused with our own error, and is stable when read again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (text) => {
        const jid = tryParseJid(`${text}@example.com/${text}`);
        if (jid !== undefined) assert.deepEqual(parseJid(jid.full), jid);
        try {
          assert.equal(parseJid(parseJid(text).full).full, parseJid(text).full);
        } catch (error) {
          assert.ok(error instanceof XmppError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('XEP-0106 escaping', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['space cadet', 'space\\20cadet'],
    ['call me "ishmael"', 'call\\20me\\20\\22ishmael\\22'],
    ['at&t guy', 'at\\26t\\20guy'],
    ["d'artagnan", 'd\\27artagnan'],
    ['/.fanboy', '\\2f.fanboy'],
    ['::foo::', '\\3a\\3afoo\\3a\\3a'],
    ['<foo>', '\\3cfoo\\3e'],
    ['user@host', 'user\\40host'],
    ['c:\\net', 'c\\3a\\net'],
    ['c:\\cool stuff', 'c\\3a\\cool\\20stuff'],
    ['c:\\5commas', 'c\\3a\\5c5commas'],
    ['\\3and\\2is\\5@example.com', '\\5c3and\\2is\\5\\40example.com'],
  ];
  for (const [name, local] of rows) {
    it(name, () => {
      assert.equal(escapeLocal(name), local);
      assert.equal(unescapeLocal(local), name);
      assert.equal(prepareLocal(local), local);
    });
  }
  it('comes back from any text', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(unescapeLocal(escapeLocal(text)), text)));
  });
});
