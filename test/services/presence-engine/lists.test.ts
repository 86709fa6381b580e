import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { readPidf } from '../../../src/pidf/read-pidf.ts';
import { basicStateOf } from '../../../src/presence/basic-state.ts';
import { attribute, element, elements } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { DOMAIN, type EngineWorld, openEngineWorld, pkidOf } from './engine-world.ts';
import { type Heard, openUserAgent, pidf, type UserAgent } from './user-agent.ts';

interface ListHeard {
  readonly state: string;
  readonly version: string;
  readonly isFull: boolean;
  /** `carol active BUSY`, `x terminated;noresource` … */
  readonly resources: readonly string[];
}

/** Reads a multipart document as a client does: by boundary and Content-ID. */
function readList({ request, state }: Heard): ListHeard {
  const type = request.headers.get('content-type');
  assert.equal(type?.value, 'multipart/related');
  assert.equal(type?.params.get('type'), 'application/rlmi+xml');
  assert.equal(request.headers.text('require'), 'eventlist');
  const boundary = type?.params.get('boundary') ?? '';
  const parts = new Map<string, string>();
  const texts = request.body.toString('utf8').split(`--${boundary}`);
  assert.equal(texts.at(-1), '--\r\n');
  for (const text of texts.slice(1, -1)) {
    const end = text.indexOf('\r\n\r\n');
    const id = /^Content-ID: <(.+)>$/m.exec(text.slice(0, end).replaceAll('\r', ''))?.[1] ?? '';
    parts.set(id, text.slice(end + 4));
  }
  const start = /^<(.*)>$/.exec(type?.params.get('start') ?? '')?.[1] ?? '';
  const root = parseXml(parts.get(start) ?? '');
  assert.equal(root.uri, 'urn:ietf:params:xml:ns:rlmi');
  return {
    state,
    version: attribute(root, 'version') ?? '',
    isFull: attribute(root, 'fullState') === 'true',
    resources: elements(root, 'resource').map((resource) => {
      const user = attribute(resource, 'uri')?.replace('sip:', '').replace(`@${DOMAIN}`, '');
      const instance = element(resource, 'instance');
      if (!instance) return `${user}`;
      const reason = attribute(instance, 'reason');
      const cid = attribute(instance, 'cid');
      const body = cid === undefined ? '' : (parts.get(cid) ?? 'missing');
      const presence = body === '' ? '' : ` ${basicStateOf(readPidf(parseXml(body)))}`;
      return `${user} ${attribute(instance, 'state')}${reason === undefined ? '' : `;${reason}`}${presence}`;
    }),
  };
}

const LIST = [
  ['Supported', 'eventlist'],
  ['Accept', 'application/pidf+xml, application/rlmi+xml, multipart/related'],
] as const;

describe('lists (RFC 4662, 5367)', () => {
  let world: EngineWorld;
  let bob: UserAgent;
  let carol: UserAgent;
  beforeEach(async () => {
    world = await openEngineWorld({ options: { notifyIntervalSeconds: 1 } });
    bob = await openUserAgent(world, 'bob', 'TCP');
    carol = await openUserAgent(world, 'carol');
    await world.addContact('bob', `alice@${DOMAIN}`, 'Ali');
    await world.addContact('bob', `carol@${DOMAIN}`);
    await world.addContact('bob', 'x@other.example');
    await carol.publish(pidf('carol', 'busy'));
  });
  afterEach(async () => {
    await bob[Symbol.asyncDispose]();
    await carol[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });
  const next = async (): Promise<ListHeard> => readList(await bob.next());

  it("tells a user's contact list whole, then what has changed", async () => {
    const watch = await bob.subscribe('bob-contacts', LIST);
    assert.deepEqual([watch.response.status, watch.response.headers.text('require')], [200, 'eventlist']);
    const first = await bob.next();
    assert.match(first.request.body.toString(), /<name>Ali<\/name>/);
    assert.deepEqual(readList(first), {
      state: 'active',
      version: '0',
      isFull: true,
      resources: ['alice active UNAVAILABLE', 'carol active BUSY', 'x@other.example terminated;noresource'],
    });
    await world.clock.advance(2_000);
    await carol.publish(pidf('carol', 'dnd'));
    assert.deepEqual(await next(), { state: 'active', version: '1', isFull: false, resources: ['carol active DND'] });
    await world.clock.advance(2_000);
    await watch.refresh(600);
    const again = await next();
    assert.deepEqual([again.version, again.isFull, again.resources.length], ['2', true, 3]);
    await watch.refresh(0);
    assert.equal((await next()).state, 'terminated;timeout');
  });

  it('is meant by Require: eventlist to the own address', async () => {
    const { response } = await bob.subscribe('bob', [['Require', 'eventlist'], LIST[1]]);
    assert.equal(response.status, 200);
    assert.equal((await next()).resources.length, 3);
    assert.equal((await carol.subscribe('bob', [['Require', 'eventlist']])).response.status, 403);
  });

  it('follows the contact list, and permissions of who stands on it', async () => {
    await bob.subscribe('bob-contacts', LIST);
    await next();
    await world.clock.advance(2_000);
    await world.addContact('bob', `dave@${DOMAIN}`);
    await world.settle();
    const added = await next();
    assert.deepEqual([added.isFull, added.resources.length], [true, 4]);
    await world.test.ids.transaction('client', async (trx) => {
      await trx.deleteFrom('rosteritem').where('contactuser', 'in', ['x', 'dave']).execute();
    });
    await world.settle();
    assert.deepEqual((await next()).resources, ['alice active UNAVAILABLE', 'carol active BUSY']);
    await world.clock.advance(2_000);
    await world.test.ids.transaction('client', async (trx) => {
      const entry = { watcher: bob.address, type: 'user', policy: 'deny' } as const;
      await trx
        .insertInto('peuriacl')
        .values({ fkenduser: pkidOf('carol'), ...entry })
        .execute();
    });
    await world.settle();
    await world.clock.advance(2_000);
    assert.deepEqual(await next(), {
      state: 'active',
      version: '3',
      isFull: false,
      resources: ['carol terminated;rejected'],
    });
  });

  it('may be sent in the request', async () => {
    const lists =
      '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry uri="sip:carol@acme.example"/>' +
      '<list><entry uri="pres:nobody@acme.example"><display-name>N</display-name></entry></list></list></resource-lists>';
    const headers = [['Require', 'recipient-list-subscribe'], ...LIST] as const;
    const ask = async (text: string, type = 'application/resource-lists+xml', to = 'bob'): Promise<number> =>
      (await bob.subscribe(to, headers, { type, text })).response.status;
    assert.equal(await ask(lists), 200);
    assert.deepEqual((await next()).resources, ['carol active BUSY', 'pres:nobody terminated;noresource']);
    assert.deepEqual(
      [
        await ask('<resource-lists'),
        await ask('<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>'),
        await ask(lists.replace('sip:carol', 'tel:')),
        await ask(lists, 'text/plain'),
        await ask(lists, undefined, 'alice'),
      ],
      [400, 400, 400, 415, 403],
    );
  });

  it('tells what has no room in one NOTIFY in the next', async () => {
    const note = 'x'.repeat(20_000);
    await world.addContact('bob', `dave@${DOMAIN}`);
    for (const user of ['alice', 'dave']) {
      await using agent = await openUserAgent(world, user, 'TCP');
      await agent.publish(pidf(user, 'away', 'open', note));
    }
    await bob.subscribe('bob-contacts', LIST);
    assert.deepEqual((await next()).resources, [
      'alice active AWAY',
      'carol active BUSY',
      'dave',
      'x@other.example terminated;noresource',
    ]);
    await world.clock.advance(2_000);
    assert.deepEqual(await next(), { state: 'active', version: '1', isFull: false, resources: ['dave active AWAY'] });
  });
});
