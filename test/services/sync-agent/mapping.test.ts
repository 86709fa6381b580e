import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { directoryUriDomain, endUserRow } from '../../../src/services/sync-agent/mapping.ts';
import { parseXml } from '../../../src/xml/parse.ts';

const user = (inside: string) => endUserRow(parseXml(`<user uuid="{AB-1}">${inside}</user>`), 'acme.example');

describe('an end user of AXL as a row', () => {
  it('keeps the pkid bare and in lower case', () => assert.equal(user('').pkid, 'ab-1'));

  it('reads booleans as every release writes them', () => {
    for (const [text, wanted] of [
      ['true', 1],
      ['t', 1],
      ['1', 1],
      ['TRUE', 1],
      ['false', 0],
      ['f', 0],
      ['', 0],
    ] as const) {
      assert.equal(user(`<imAndPresenceEnable>${text}</imAndPresenceEnable>`).enablecups, wanted, text);
    }
  });

  it('takes the number out of the primary extension', () => {
    const row = user('<primaryExtension><pattern>1001</pattern><routePartitionName uuid=""/></primaryExtension>');
    assert.equal(row.primaryextension, '1001');
    assert.equal(user('<primaryExtension/>').primaryextension, '');
  });

  it('makes the address and the local part of the JID', () => {
    const row = user("<userid>Mo's Desk</userid>");
    assert.equal(row.imaddress, "Mo's Desk@acme.example");
    assert.equal(row.xcp_user_id, 'mo\\27s\\20desk');
  });

  it('makes a display name when CUCM has none', () => {
    assert.equal(user('<firstName>Zoë</firstName><lastName>李</lastName>').displayname, 'Zoë 李');
  });

  it('is active unless CUCM says otherwise', () => {
    assert.equal(user('<status>1</status>').status, 1);
    assert.equal(user('<status>0</status>').status, 0);
    assert.equal(user('').status, 1);
  });
});

describe('the domain of a directory URI', () => {
  for (const [uri, wanted] of [
    ['ann@acme.example', 'acme.example'],
    ['Ann@ACME.example', 'acme.example'],
    ['ann@bücher.example', 'bücher.example'],
    ['', null],
    ['ann', null],
    ['@acme.example', null],
    ['ann@', null],
    ['ann@b@c', null],
    ['ann@-acme.example', null],
    ['ann@ac me.example', null],
  ] as const) {
    it(`of '${uri}' is ${wanted}`, () => assert.equal(directoryUriDomain(uri), wanted));
  }
});
