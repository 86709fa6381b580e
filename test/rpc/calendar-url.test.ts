import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calendarServerOf, calendarUrlOf, faultOfCalendarUrl } from '../../src/rpc/presence-engine/calendar-url.ts';

const ALICE = { userid: 'alice', mail: 'a b@mail.example', address: 'alice@acme.example' };

describe('the address of an iCalendar gateway', () => {
  it('is a URL with a place for the user, and without secrets where they are seen', () => {
    for (const good of [
      'https://c.example/{user}',
      'http://c.example:8080/x?of={mail}&key=1',
      'https://c/{address}/',
    ]) {
      assert.equal(faultOfCalendarUrl(good), undefined, good);
    }
    for (const [bad, fault] of [
      ['https://c.example/all.ics', /everybody's/],
      ['https://c.example/{name}', /placeholders are/],
      ['https://{user}.c.example/', /must not depend/],
      ['https://c.example@{user}/', /user name|must not depend/],
      ['ftp://c.example/{user}', /neither https nor http/],
      ['file:///{user}', /neither https nor http/],
      ['https://me:secret@c.example/{user}', /user name or password/],
      ['{user}', /not a URL/],
      [`https://c.example/{user}${'x'.repeat(2_048)}`, /longer than/],
    ] as const) {
      const said = faultOfCalendarUrl(bad) ?? '';
      assert.match(said, fault, bad);
      assert.doesNotMatch(said, /secret/);
    }
    assert.equal(calendarServerOf('https://c.example:444/{user}?key=secret'), 'https://c.example:444');
  });

  it('is filled in with what stays where it is put', () => {
    assert.equal(calendarUrlOf('https://c/{mail}/{user}', ALICE), 'https://c/a%20b%40mail.example/alice');
    assert.equal(calendarUrlOf('https://c/{user}', { ...ALICE, userid: '../x?y#z' }), 'https://c/..%2Fx%3Fy%23z');
    for (const userid of ['', '.', '..'])
      assert.equal(calendarUrlOf('https://c/{user}', { ...ALICE, userid }), undefined);
  });
});
