import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { PidfError } from '../../../src/pidf/errors.ts';
import { readPidf } from '../../../src/pidf/read-pidf.ts';
import { writePidf } from '../../../src/pidf/write-pidf.ts';
import { restTargetOf } from '../../../src/services/presence-web-service/rest/rest-target.ts';
import type { XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { DOMAIN, envelope, NS, numberOf, openPwsWorld, type PwsWorld } from './pws-world.ts';

const REQUESTS: readonly string[] = [
  `<login xmlns="${NS}" force="true"><username>alice</username><app-session-id>KEY</app-session-id></login>`,
  `<registerEndPoint xmlns="${NS}"><url>http://127.0.0.1:9/</url><endPointID>0</endPointID><expiration>3600</expiration></registerEndPoint>`,
  `<subscribe xmlns="${NS}"><contactsList><contact contactURI="bob@${DOMAIN}"/></contactsList><subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><expiration>3600</expiration><endPointID>1</endPointID><subscriptionID>0</subscriptionID></subscribe>`,
  `<unsubscribe xmlns="${NS}"><unsubscribeRequest><subscriptionID>1</subscriptionID><unsubscribeAll/></unsubscribeRequest></unsubscribe>`,
  `<getPolledPresence xmlns="${NS}"><contactsList><contact contactURI="bob@${DOMAIN}"/></contactsList><presenceType>RICH_PRESENCE</presenceType></getPolledPresence>`,
  `<setPresence xmlns="${NS}"><presenceType>RICH_PRESENCE</presenceType><presenceInfo><richPresence><presence entity="sip:alice@${DOMAIN}"><person id="alice"><activities><away/></activities></person><tuple id="pws-override"><status><basic>open</basic></status></tuple></presence></richPresence><override>true</override></presenceInfo><expiration>3600</expiration></setPresence>`,
];
const PATHS: readonly (readonly [string, string, string])[] = [
  ['POST', '/users/alice/sessions', ''],
  ['PUT', '/endpoints/1', '<endpoint><expiration>3600</expiration></endpoint>'],
  [
    'POST',
    '/users/alice/subscriptions',
    '<subscription><contactsList><contact contactURI="a@b.example"/></contactsList></subscription>',
  ],
  ['DELETE', '/users/alice/subscriptions/1', '<contactsList/>'],
  ['PUT', '/users/alice/presence/basic', '<presence>AWAY</presence>'],
  ['PUT', '/users/alice/presence/rich', '<presence entity="x"><person/></presence>'],
];

/** A text with a few characters taken out, doubled or put in. */
const mutated = (text: string): fc.Arbitrary<string> =>
  fc
    .array(
      fc.record({
        at: fc.nat(text.length),
        take: fc.nat(12),
        put: fc.oneof(
          fc.string({ maxLength: 6 }),
          fc.constantFrom('<', '&', '"', '>', '/', '\u0000', '<a/>', '&#0;', '\ud800'),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((changes) => changes.reduce((now, { at, take, put }) => now.slice(0, at) + put + now.slice(at + take), text));

describe('the Presence Web Service and hostile input', () => {
  let world: PwsWorld;
  let application: string;
  let alice: string;
  before(async () => {
    world = await openPwsWorld({ options: { requestsPerSecond: 100_000, requestBurst: 1_000_000 } });
    application = await world.signInApplication();
    alice = await world.signIn('alice', application);
  });
  after(() => world[Symbol.asyncDispose]());

  /** A mutation may log out or sign in anew. */
  const renew = async (): Promise<void> => {
    application = await world.signInApplication();
    alice = await world.signIn('alice', application);
  };

  it('answers any mutated SOAP request with an answer or a fault of the caller', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...REQUESTS).chain(mutated), fc.boolean(), async (payload, isApplication) => {
        const key = isApplication ? application : alice;
        const answer = await world.soap(payload.replace('KEY', application), { key });
        const number = numberOf(answer);
        assert.ok(number === undefined || number < 200, `${number} to ${payload}`);
        if (number === 101) await renew();
      }),
      { numRuns: 400 },
    );
  });

  it('answers any mutated body of the REST face, and any header', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .constantFrom(...PATHS)
          .chain(([method, path, body]) =>
            fc.record({ method: fc.constant(method), path: fc.constant(path), body: mutated(body) }),
          ),
        fc.string({ maxLength: 12 }).filter((text) => /^[\x20-\x7e]*$/.test(text)),
        async ({ method, path, body }, header) => {
          const answer = await world.rest(method, path, { key: alice, body, expiry: header, override: header });
          const number = numberOf(answer);
          assert.ok(answer.status < 500, `${answer.status} ${number} to ${body}`);
          if (number === 101) await renew();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads any URL', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('/users/', '/endpoints/', '/users/a/presence/', '/'), (text, start) => {
        const target = restTargetOf(`/presence-service${start}${text}`);
        assert.ok(typeof target.kind === 'string');
      }),
    );
    for (const name of ['__proto__', 'constructor', 'toString']) {
      assert.equal(restTargetOf(`/presence-service/users/a/presence/${name}`).kind, 'not-found');
    }
  });

  it('keeps envelopes of mutated requests from harming those after them', async () => {
    for (const cut of [1, 20, 200]) await world.post(envelope(REQUESTS[0] ?? '').slice(0, -cut));
    await renew();
    assert.deepEqual(await world.see(alice, 'alice', `nobody@${DOMAIN}`), ['UNKNOWN']);
  });
});

const tree: fc.Memo<XmlElement> = fc.memo((depth) =>
  fc.record({
    uri: fc.constantFrom('', 'urn:ietf:params:xml:ns:pidf'),
    local: fc.constantFrom(
      'presence',
      'person',
      'tuple',
      'activities',
      'away',
      'busy',
      'status',
      'basic',
      'note',
      'servcaps',
      'contact',
      'source',
      '-odd.name',
    ),
    attributes: fc.array(
      fc.record({ uri: fc.constant(''), local: fc.constantFrom('id', 'entity', 'priority'), value: fc.string() }),
      { maxLength: 2 },
    ),
    children: depth > 1 ? fc.array(fc.oneof(fc.string(), tree(depth - 1)), { maxLength: 4 }) : fc.constant([]),
  }),
);

describe('PIDF', () => {
  it('is read from any tree or refused, and what is read is written as XML that reads the same', () => {
    fc.assert(
      fc.property(tree(5), (root) => {
        let document: ReturnType<typeof readPidf>;
        try {
          document = readPidf(root);
        } catch (error) {
          assert.ok(error instanceof PidfError);
          return;
        }
        let written: string;
        try {
          written = writePidf(document);
        } catch (error) {
          // A tree made by hand may hold what no XML can; a parsed one cannot.
          assert.match(String(error), /XML 1\.0 cannot carry/);
          return;
        }
        const again = readPidf(parseXml(written));
        const known = (names: readonly string[] | undefined): string[] =>
          (names ?? []).filter((name) => !name.includes('.'));
        assert.deepEqual(known(again.person?.activities), known(document.person?.activities));
        assert.equal(again.tuples.length, document.tuples.length);
        assert.equal(again.entity, document.entity);
      }),
    );
  });
});
