import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { OPERATIONS } from '../../../src/services/client-profile-agent/operations/index.ts';
import { createRequestReader } from '../../../src/services/client-profile-agent/soap-request.ts';
import { type CpaWorld, openCpaWorld } from './cpa-world.ts';
import { contactRequest, EPAS, envelope, persona } from './messages.ts';

const LIST = `<get-contact-list xmlns="${EPAS}"/>`;
const [FIRST, SECOND, THIRD] = ['1', '2', '3'].map((digit) => `${digit.repeat(8)}-aaaa-bbbb-cccc-${digit.repeat(12)}`);

describe('requests that differ in nothing but the session key', () => {
  const reader = createRequestReader(OPERATIONS, (key) => `id of ${key}`);
  const sessionOf = (body: string): string | undefined => reader.read(body).sessionId;

  it('are each of their own session', () => {
    for (const key of [FIRST, SECOND, FIRST, THIRD]) {
      const request = reader.read(envelope(LIST, { key: String(key) }));
      assert.equal(request.sessionId, `id of ${key}`);
      assert.equal(request.operation.name, 'get-contact-list');
    }
  });

  it('are not mistaken by a key that stands elsewhere too, or elsewhere alone', () => {
    const decoy = (inside: string, key?: string): string =>
      envelope(LIST, key === undefined ? {} : { key }).replace('<s:Body>', `<!-- session-key>${inside}< --><s:Body>`);
    const before = (inside: string, key: string): string =>
      envelope(LIST, { key }).replace('<s:Header>', `<!-- session-key>${inside}< --><s:Header>`);
    for (const inside of [FIRST, SECOND, THIRD].map(String)) {
      assert.equal(sessionOf(decoy(inside)), undefined);
      assert.equal(sessionOf(before(inside, inside)), `id of ${inside}`);
      for (const key of [FIRST, SECOND].map(String)) {
        assert.equal(sessionOf(before(inside, key)), `id of ${key}`);
        assert.equal(sessionOf(decoy(inside, key)), `id of ${key}`);
      }
    }
  });

  it('are read anew when the key is not written as ours are', () => {
    for (const key of ['x', ' 11111111-aaaa-bbbb-cccc-111111111111 ', 'A1111111-aaaa-bbbb-cccc-111111111111']) {
      for (let count = 0; count < 2; count += 1) {
        assert.equal(sessionOf(envelope(LIST, { key })), `id of ${key.trim()}`);
      }
    }
  });
});

describe('a contact list that is kept', () => {
  let world: CpaWorld;
  before(async () => {
    world = await openCpaWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  it('is the same in either version of SOAP, with and without addressing, and of everybody his own', async () => {
    const alice = await world.signIn('alice');
    const bob = await world.signIn('bob');
    const addressing =
      '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID><a:Action xmlns:a="http://www.w3.org/2005/08/addressing">x</a:Action>';
    const nickname = 'Zoë &amp; 李 🦊';
    await world.call(contactRequest('add-contact', { Ätsch: [persona('carol', `nickname="${nickname}"`)] }), {
      key: alice,
    });
    const inside = (text: string): string | undefined => /<e:get-contact-list-resp[^>]*>(.*)<\/e:/s.exec(text)?.[1];
    const said = new Set<string | undefined>();
    for (const version of ['1.2', '1.1', '1.2', '1.1'] as const) {
      for (const header of ['', addressing]) {
        const { text } = await world.call(LIST, { key: alice, version, header });
        assert.equal(text.includes('RelatesTo'), header !== '');
        said.add(inside(text));
      }
      assert.match((await world.call(LIST, { key: bob, version })).text, /<e:get-contact-list-resp [^>]*\/>/);
    }
    assert.equal(said.size, 1);
    assert.match(String([...said][0]), /nickname="Zoë &amp; 李 🦊"/);
  });
});
