import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { SqlFault } from '../../src/mock-cucm/sql/sql-errors.ts';
import { translate } from '../../src/mock-cucm/sql/translate.ts';
import { elements, textOf } from '../../src/xml/element.ts';
import { text } from '../../src/xml/write.ts';
import { type MockWorld, startMock } from './mock-world.ts';

describe('SQL of clients', () => {
  let world: MockWorld;
  before(async () => {
    world = await startMock({ users: 300 });
  });
  after(() => world[Symbol.asyncDispose]());
  /** Rows as `column=value` words. */
  const query = async (sql: string): Promise<string[]> =>
    (await world.rows('executeSQLQuery', `<sql>${text(sql)}</sql>`)).map((row) =>
      elements(row)
        .map((column) => `${column.local}=${textOf(column)}`)
        .join(' '),
    );
  const update = async (sql: string): Promise<string> =>
    textOf(await world.axl('executeSQLUpdate', `<sql>${text(sql)}</sql>`));
  const refusal = async (sql: string, operation = 'executeSQLQuery'): Promise<number> => {
    const fault = await world.fault(operation, `<sql>${text(sql)}</sql>`);
    assert.equal(fault.status, 500);
    assert.equal(fault.faultcode, 'soapenv:Client');
    return fault.code;
  };

  it('rows have every column in select order, named in lower case, null and empty alike', async () => {
    assert.deepEqual(
      await query(
        'SELECT UserID, LastName AS Surname, fkucserviceprofile IS NULL, middlename, islocaluser FROM EndUser WHERE userid = "bob"',
      ),
      ['userid=bob surname=Baker expression=0 middlename= islocaluser=t'],
    );
    const { body } = await world.ask(
      'executeSQLQuery',
      "<sql>select pkid, primarynodeid from enduser where userid = 'bob'</sql>",
    );
    assert.match(body, /<row><pkid>[0-9a-f]{8}-[0-9a-f-]{27}<\/pkid><primarynodeid\/><\/row>/);
    assert.deepEqual(await query("select userid from enduser where userid = 'none'"), []);
    assert.match(
      (await world.ask('executeSQLQuery', "<sql>select userid from enduser where userid = 'none'</sql>")).body,
      /<return\/>/,
    );
  });

  it('speaks the dialect that scripts use', async () => {
    assert.deepEqual(
      await query('select skip 1 first 2 userid from enduser where userid not like "user%" order by userid'),
      ['userid=bob', 'userid=carol'],
    );
    assert.deepEqual(await query("select limit 1 count(*) from enduser where my_lower(userid) = 'alice'"), ['count=1']);
    assert.deepEqual(
      await query(
        "select d.name, e.userid, n.dnorpattern from device d, enduser e, devicenumplanmap m, numplan n where d.fkenduser = e.pkid and m.fkdevice = d.pkid and m.fknumplan = n.pkid and e.userid = 'carol' order by d.name",
      ),
      ['name=CSFCAROL userid=carol dnorpattern=1003', 'name=SEP001E7A0003EB userid=carol dnorpattern=1003'],
    );
    assert.deepEqual(
      await query(`select t.name model, count(*) as n from device as d inner join typemodel as t on d.tkmodel = t.enum
        left outer join processnode p on p.pkid = d.fkprocessnode -- none
        where d.tkclass = 1 and d.name not in (select first 1000 name from informix.device where name like 'SEP%') and d.name like 'CSFC%' { a comment } group by t.name`),
      ['model=Cisco Unified Client Services Framework n=1'],
    );
    assert.deepEqual(
      await query(
        "select nvl(department, 'none') d, decode(islocaluser, 't', 'home', 'away') w, upper(userid) u from enduser where userid matches 'bo?'",
      ),
      ['d=Sales w=home u=BOB'],
    );
    assert.deepEqual(await query('select unique tkcredential from credential order by tkcredential'), [
      'tkcredential=1',
      'tkcredential=3',
      'tkcredential=4',
    ]);
    assert.deepEqual(
      await query(
        "select lastname from enduser where userid = 'erin' union all select 'it''s' from enduser where userid = 'erin'",
      ),
      ['lastname=Ó Briain', "lastname=it's"],
    );
    assert.deepEqual(
      await query("select userid from enduser where userid like 'A%'"),
      [],
      'LIKE tells upper from lower case',
    );
  });

  it('inserts, updates and deletes, one statement at a time', async () => {
    assert.equal(await update("update enduser set department = 'New' where userid in ('alice', 'bob')"), '2');
    assert.equal(
      await update(
        "insert into enduserdevicemap (pkid, fkenduser, fkdevice, defaultprofile, tkuserassociation) select newid(), e.pkid, d.pkid, 'f', 1 from enduser e, device d where e.userid = 'alice' and d.name = 'CSFCAROL'",
      ),
      '1',
    );
    const [alice] = await world.rows('getUser', '<userid>alice</userid>');
    assert.ok(alice && textOf(alice).includes('CSFCAROL'));
    assert.equal(
      await update('delete enduserdevicemap where fkdevice = (select pkid from device where name = "CSFCAROL")'),
      '2',
    );
    assert.equal(
      await refusal("insert into enduserdevicemap (fkenduser, fkdevice) values ('x', 'y')", 'executeSQLUpdate'),
      -691,
    );
    assert.equal(await refusal("update enduser set userid = 'BOB' where userid = 'alice'", 'executeSQLUpdate'), -239);
  });

  it('knows its codes', async () => {
    assert.equal(await refusal('select from'), -201);
    assert.equal(await refusal('select * from enduser; delete from enduser'), -201);
    assert.equal(await refusal('select * from nosuchtable'), -206);
    assert.equal(await refusal('select nosuchcolumn from enduser'), -217);
    assert.equal(await refusal('execute procedure dbadmin()'), -674);
    assert.equal(await refusal('', 'executeSQLQuery').catch(() => 5003), 5003);
  });

  it('a query never changes anything', async () => {
    const before = await query('select count(*) from enduser');
    for (const sql of [
      'delete from enduser',
      "update enduser set userid = 'x'",
      "insert into enduser (userid) values ('x')",
      'drop table enduser',
      "replace into enduser (userid) values ('x')",
      'with x as (select 1) delete from enduser',
      'delete from enduser returning pkid',
    ]) {
      assert.ok((await refusal(sql)) < 0, sql);
    }
    assert.deepEqual(await query('select count(*) from enduser'), before);
    assert.equal(await refusal('select 1 from enduser', 'executeSQLUpdate'), -746);
    assert.equal(await refusal("insert into typemodel (enum, name) values (1, 'x')", 'executeSQLUpdate'), -746);
  });

  it('reaches CUCM’s tables and nothing else', async () => {
    for (const sql of [
      'select * from sqlite_master',
      'select * from main.sqlite_schema',
      'select * from "sqlite_master"',
      'select * from [sqlite_master]',
      'select * from `sqlite_master`',
      'select * from mockfragment',
      'select * from temp.rawchange',
      'select * from rawchange',
      'select * from pragma_table_list',
      "select * from pragma_table_info('enduser')",
      'select * from dbstat',
      'select * from json_each',
      "select * from json_each('[1]')",
      'select * from sqlite_stmt',
      'pragma table_list',
      "attach database '/tmp/x' as y",
      "select load_extension('x')",
      "select readfile('/etc/passwd') from enduser",
      "select writefile('/tmp/x', 'y')",
      'select fts5(1)',
      'vacuum',
      "vacuum into '/tmp/x'",
      'select randomblob(1000000000)',
      'select zeroblob(1000000000)',
      "select printf('%1000000000d', 1)",
      "select x'00'",
      'select ?',
      'select :a',
      'explain select 1',
      'select 1 from enduser where 1 = (select count(*) from sqlite_master)',
      'update mockfragment set xml = 1',
      'insert or replace into enduser (userid) values (1)',
      'update or ignore enduser set userid = 1',
      "insert into enduser (userid) values ('a') on conflict do nothing",
      'begin',
      'commit',
    ]) {
      for (const operation of ['executeSQLQuery', 'executeSQLUpdate']) {
        assert.ok((await refusal(sql, operation)) < 0, `${operation} ${sql}`);
      }
    }
  });

  it('ends a statement that runs too long, and answers others meanwhile', async () => {
    await using own = await startMock({ users: 2_000, sqlLimitMs: 500 });
    const endless =
      'select count(*) from enduser a, enduser b, enduser c, enduser d where a.userid || b.userid = c.userid || d.lastname';
    const slow = own.fault('executeSQLQuery', `<sql>${text(endless)}</sql>`);
    const other = await own.rows(
      'executeSQLQuery',
      "<sql>select e.userid from enduser e, device d where d.fkenduser = e.pkid and e.userid = 'bob'</sql>",
    );
    assert.equal(other.length, 1);
    const [updated] = await Promise.all([
      own.fault('executeSQLUpdate', `<sql>update enduser set title = (${endless})</sql>`),
      own.axl('getUser', '<userid>bob</userid>'),
    ]);
    assert.equal(updated.code, -213);
    assert.equal((await slow).code, -213);
    await own.axl('updateUser', '<userid>bob</userid><title>still writable</title>');
    const big = `select ${'replace('.repeat(12)}lastname${`, 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')`.repeat(12)} from enduser`;
    assert.ok((await own.fault('executeSQLQuery', `<sql>${text(big)}</sql>`)).code < 0);
    assert.equal((await own.rows('executeSQLQuery', '<sql>select first 1 pkid from enduser</sql>')).length, 1);
  });

  it('suggests how many rows to fetch when there are too many', async () => {
    const fault = await world.fault('executeSQLQuery', '<sql>select a.*, b.* from device a, device b</sql>');
    assert.equal(fault.code, -1);
    const found = /Total rows matched: (\d+) rows\. Suggestive Row Fetch: less than (\d+) rows/.exec(fault.message);
    assert.ok(found, fault.message);
    const fitting = Number(found[2]) - 1;
    const page = await world.ask(
      'executeSQLQuery',
      `<sql>select skip 10 first ${fitting} a.*, b.* from device a, device b</sql>`,
    );
    assert.equal(page.body.match(/<row>/g)?.length, fitting);
  });
});

describe('the translation', () => {
  const words = fc.constantFrom(
    'select',
    'from',
    'where',
    'enduser',
    'device',
    'pkid',
    '*',
    ',',
    '(',
    ')',
    "'",
    '"',
    '--',
    '{',
    '}',
    '/*',
    '*/',
    ';',
    '=',
    'skip',
    'first',
    '1',
    'limit',
    'union',
    'order by',
    'with',
    'recursive',
    'as',
    'sqlite_master',
    'pragma_table_info',
    'like',
    'update',
    'set',
    'insert',
    'into',
    'values',
    'delete',
    '.',
    '||',
    'x',
    'main',
    '\u0000',
    'é',
    '[',
    '`',
    '$1',
    'count',
  );

  it('never fails but by its own error, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 60 }),
          fc.array(words, { maxLength: 20 }).map((each) => each.join(' ')),
        ),
        (sql) => {
          try {
            translate(sql);
          } catch (error) {
            assert.ok(error instanceof SqlFault, String(error));
            assert.ok(error.axlCode < 0);
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('keeps literals as they are', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (value) => {
        const { sql } = translate(`select "${value.replaceAll('"', '""')}" from enduser`);
        assert.equal(sql, `SELECT '${value.replaceAll("'", "''")}' from enduser`);
      }),
    );
  });
});
