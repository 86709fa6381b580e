import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { attribute, element, elements, textOf } from '../../../src/xml/element.ts';
import { text as escaped } from '../../../src/xml/write.ts';
import {
  type Answer,
  at,
  type CpaWorld,
  contactRequest,
  DOMAIN,
  EPAS,
  faultNumber,
  openCpaWorld,
  persona,
} from './cpa-world.ts';

/** Groups with their contacts, `user@domain (nickname)`; a contact without presence has `-` before it. */
type List = Readonly<Record<string, readonly string[]>>;

describe('contacts and groups', () => {
  let world: CpaWorld;
  let key: string;
  beforeEach(async () => {
    world = await openCpaWorld({ maxContactListSize: 5 });
    key = await world.signIn('alice');
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const call = (payload: string): Promise<Answer> => world.call(payload, { key });
  const add = (groups: Readonly<Record<string, readonly string[]>>): Promise<Answer> =>
    call(contactRequest('add-contact', groups));
  const list = async (operation = 'get-contact-list'): Promise<List> => {
    const { payload } = await call(`<${operation} xmlns="${EPAS}"/>`);
    const found: Record<string, readonly string[]> = {};
    for (const group of elements(payload, 'group')) {
      found[attribute(group, 'name') ?? ''] = elements(group).map((contact) => {
        const nickname = attribute(contact, 'nickname');
        const mark = attribute(contact, 'presence-aware') === 'false' ? '-' : '';
        return `${mark}${textOf(contact)}@${attribute(contact, 'domain')}${nickname === undefined ? '' : ` (${nickname})`}`;
      });
    }
    return found;
  };
  const succeeds = (answer: Answer): void => {
    const success = element(answer.payload, 'success');
    assert.equal(success && attribute(success, 'code'), '200', answer.text);
  };
  const fails = (answer: Answer, reason: RegExp): void => {
    assert.equal(answer.status, 200);
    assert.match(at(answer.payload, 'failure', 'reason') ?? answer.text, reason);
  };
  const changesSince = async (seq: number): Promise<readonly string[]> =>
    (await world.test.changeFeed.trace({ afterSeq: seq, limit: 100 })).map(({ table, op }) => `${table} ${op}`);

  it('adds contacts by group, reads all three ways to name one, and makes groups that are missing', async () => {
    succeeds(
      await add({
        'Night shift': [persona('BOB'), persona('otto@partner.example'), persona('x@y', 'domain="z.example"')],
        Friends: [persona('bob', `nickname="Bobby" domain="${DOMAIN.toUpperCase()}"`)],
      }),
    );
    assert.deepEqual(await list(), {
      'Night shift': [`bob@${DOMAIN} (Bobby)`, 'otto@partner.example', 'x@y@z.example'],
      Friends: [`bob@${DOMAIN} (Bobby)`],
    });
  });

  it('does not mind a contact or a group that is there, and writes nothing then', async () => {
    await add({ Friends: [persona('bob', 'nickname="B"')] });
    const seq = await world.test.changeFeed.lastSeq();
    succeeds(await add({ Friends: [persona('Bob')] }));
    succeeds(await call(contactRequest('add-group', { Friends: [] })));
    assert.deepEqual(await changesSince(seq), []);
    succeeds(await add({ Friends: [persona('bob', 'nickname="New"')] }));
    assert.deepEqual(await changesSince(seq), ['rosteritem u']);
    assert.deepEqual(await list(), { Friends: [`bob@${DOMAIN} (New)`] });
  });

  it('stamps its changes with the origin "client" and a request id', async () => {
    const seq = await world.test.changeFeed.lastSeq();
    await add({ Friends: [persona('bob')] });
    const changes = await world.test.changeFeed.trace({ afterSeq: seq, limit: 10 });
    assert.deepEqual(changes.map(({ table }) => table).sort(), ['rostergroup', 'rosteritem', 'rosteritemgroup']);
    assert.ok(changes.every(({ origin }) => origin === 'client'));
    assert.match(changes[0]?.requestId ?? '', /^[\w-]{12}\.\d+$/);
    assert.equal(new Set(changes.map(({ requestId }) => requestId)).size, 1);
  });

  it('removes from the group named only; out of its last group a contact is gone', async () => {
    await add({ A: [persona('bob'), persona('carol')], B: [persona('bob', 'nickname="Bobby"')] });
    succeeds(
      await call(contactRequest('delete-contact', { A: [persona('BOB'), persona('nobody')], C: [persona('bob')] })),
    );
    assert.deepEqual(await list(), { A: [`carol@${DOMAIN}`], B: [`bob@${DOMAIN} (Bobby)`] });
    succeeds(await call(contactRequest('delete-contact', { B: [persona('bob')] })));
    assert.deepEqual(await list(), { A: [`carol@${DOMAIN}`], B: [] });
    await add({ B: [persona('bob')] });
    assert.deepEqual((await list()).B, [`bob@${DOMAIN}`]);
  });

  it('renames and moves contacts', async () => {
    await add({ A: [persona('bob'), persona('carol')], B: [persona('bob')] });
    succeeds(await call(contactRequest('modify-contact', { A: [persona('bob', 'nickname="Rob" new-group="New"')] })));
    assert.deepEqual(await list(), {
      A: [`carol@${DOMAIN}`],
      B: [`bob@${DOMAIN} (Rob)`],
      New: [`bob@${DOMAIN} (Rob)`],
    });
    fails(await call(contactRequest('modify-contact', { A: [persona('bob', 'nickname="x"')] })), /no such contact/);
    fails(await call(contactRequest('modify-contact', { Z: [persona('bob', 'nickname="x"')] })), /no such group/);
  });

  it('makes, renames and removes groups, which keep their order and their contacts', async () => {
    succeeds(await call(contactRequest('add-group', { One: [], Two: [], Three: [] })));
    await add({ Two: [persona('bob')], Three: [persona('bob'), persona('carol')] });
    const rename = (name: string, newName: string): string => `<group name="${name}" new-name="${newName}"/>`;
    const modify = (...groups: readonly string[]): Promise<Answer> =>
      call(`<modify-group xmlns="${EPAS}">${groups.join('')}</modify-group>`);
    succeeds(await modify(rename('Two', 'Zwei')));
    assert.deepEqual(Object.entries(await list()), [
      ['One', []],
      ['Zwei', [`bob@${DOMAIN}`]],
      ['Three', [`bob@${DOMAIN}`, `carol@${DOMAIN}`]],
    ]);
    fails(await modify(rename('One', 'Eins'), rename('Zwei', 'Three')), /of the new name/);
    fails(await modify(rename('Two', 'x')), /no such group/);
    succeeds(await modify(rename('One', 'swap'), rename('Zwei', 'One'), rename('swap', 'Zwei')));
    assert.deepEqual(Object.keys(await list()), ['Zwei', 'One', 'Three']);
    assert.equal(faultNumber(await modify('<group name="One"/>')), '103');
    assert.equal(faultNumber(await call(contactRequest('add-group', { X: [persona('bob')] }))), '103');
    succeeds(await call(contactRequest('delete-group', { Three: [] })));
    assert.deepEqual(await list(), { Zwei: [], One: [`bob@${DOMAIN}`] });
    fails(await call(contactRequest('delete-group', { One: [], Three: [] })), /no such group/);
    assert.deepEqual(Object.keys(await list()), ['Zwei', 'One']);
  });

  it('applies a request whole or not at all', async () => {
    const seq = await world.test.changeFeed.lastSeq();
    const five = ['a', 'b', 'c', 'd', 'e'].map((user) => persona(`${user}@partner.example`));
    fails(await add({ A: [...five, persona('f@partner.example')] }), /larger than allowed/);
    fails(await add({ A: [persona('bob')], '': [persona('carol')] }), /1 to 255/);
    fails(await add({ A: [persona('bob'), persona('ALICE')] }), /their own/);
    fails(await add({ A: [persona('bob'), persona('@partner.example')] }), /must be a user id/);
    fails(await add({ A: [persona('bob'), persona('bob', 'domain="no good"')] }), /must be a user id/);
    assert.deepEqual(await changesSince(seq), []);
    assert.deepEqual(await list(), {});
    succeeds(await add({ A: five }));
    fails(await add({ A: [persona('g@partner.example')] }), /larger than allowed/);
    succeeds(await add({ B: five }));
  });

  it('carries any name that XML can, and refuses control characters and too long ones', async () => {
    for (const name of [`Tom & <Jerry> "'`, '李 Łukasz Zoë', '\u{1f600}'.repeat(255), 'a&#x2028;b', ' spaces ']) {
      succeeds(await call(contactRequest('add-group', { [name.includes('&#') ? name : escaped(name)]: [] })));
    }
    const names = Object.keys(await list());
    assert.ok(names.includes(`Tom & <Jerry> "'`) && names.includes(' spaces ') && names.includes('a\u2028b'));
    succeeds(await call(contactRequest('add-group', { 'Zoe\u0308': [] })));
    succeeds(await call(contactRequest('add-group', { 'Zo\u00eb': [] })));
    assert.equal(Object.keys(await list()).filter((name) => name.normalize('NFC') === 'Zo\u00eb').length, 1);
    fails(await call(contactRequest('add-group', { 'a&#9;b': [] })), /control character/);
    fails(await call(contactRequest('add-group', { 'a&#x85;b': [] })), /control character/);
    fails(await call(contactRequest('add-group', { ['x'.repeat(256)]: [] })), /1 to 255/);
    assert.equal(faultNumber(await call(contactRequest('add-group', { 'a&#1;b': [] }))), '102');
  });

  it('keeps contacts without presence apart on request', async () => {
    await add({ A: [persona('bob', 'presence-aware="false"'), persona('carol')], B: [persona('carol')] });
    assert.deepEqual(await list(), { A: [`-bob@${DOMAIN}`, `carol@${DOMAIN}`], B: [`carol@${DOMAIN}`] });
    assert.deepEqual(await list('get-non-presence-aware-contacts'), { A: [`-bob@${DOMAIN}`] });
    await add({ A: [persona('bob', 'presence-aware="1"')] });
    assert.deepEqual(await list('get-non-presence-aware-contacts'), {});
  });

  it('shows at once what this client changed, and soon what others did', async () => {
    await add({ A: [persona('bob')] });
    await list();
    await add({ A: [persona('carol')] });
    assert.deepEqual((await list()).A, [`bob@${DOMAIN}`, `carol@${DOMAIN}`]);
    await world.test.ids.transaction('node', (trx) =>
      trx.updateTable('rosteritem').set({ nickname: 'C' }).where('contactuser', '=', 'carol').execute(),
    );
    await world.settle();
    assert.deepEqual((await list()).A, [`bob@${DOMAIN}`, `carol@${DOMAIN} (C)`]);
    await world.test.ids.transaction('node', async (trx) => {
      await trx.deleteFrom('rosteritemgroup').execute();
      await trx.deleteFrom('rosteritem').execute();
    });
    await world.settle();
    assert.deepEqual(await list(), { A: [] });
    await world.test.ids.transaction('node', (trx) =>
      trx
        .insertInto('rostergroup')
        .values({ pkid: 'g9', fkenduser: 'pkid-alice', name: 'By XMPP', position: 9 })
        .execute(),
    );
    await world.settle();
    assert.deepEqual(Object.keys(await list()), ['A', 'By XMPP']);
    await list();
    assert.match(await world.test.metrics.render(), /^cpa_contact_list_reads_total\{from="cache"\} 1$/m);
  });

  it('refuses the published script that opens delete-contact and closes add-contact, and changes nothing', async () => {
    await add({ A: [persona('bob')] });
    const seq = await world.test.changeFeed.lastSeq();
    const answer = await call(
      `<delete-contact xmlns="${EPAS}"><group name="A">${persona('bob')}</group></add-contact>`,
    );
    assert.equal(answer.status, 400);
    assert.equal(faultNumber(answer), '102');
    assert.deepEqual(await changesSince(seq), []);
  });
});

describe('a contact list by default', () => {
  it('holds 200 contacts and not one more', async () => {
    await using world = await openCpaWorld();
    const key = await world.signIn('alice');
    const add = (from: number, to: number): Promise<Answer> =>
      world.call(
        contactRequest('add-contact', {
          A: Array.from({ length: to - from }, (_, each) => persona(`user${from + each}@partner.example`)),
        }),
        { key },
      );
    assert.ok(element((await add(0, 200)).payload, 'success'));
    assert.match(at((await add(200, 201)).payload, 'failure', 'reason') ?? '', /larger than allowed/);
  });
});
