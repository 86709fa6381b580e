import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { basicStateOf } from '../../../src/presence/basic-state.ts';
import { composePresence } from '../../../src/presence/compose.ts';
import { PRESENCE_EVENT } from '../../../src/presence/publication.ts';
import type { SipResponse } from '../../../src/sip/message/message.ts';
import { DOMAIN, type EngineWorld, openEngineWorld } from './engine-world.ts';
import { openUserAgent, pidf, type UserAgent } from './user-agent.ts';

const ALICE = `alice@${DOMAIN}`;
const etagOf = (response: SipResponse): string => response.headers.get('sip-etag') ?? '';

describe('PUBLISH (RFC 3903)', () => {
  let world: EngineWorld;
  let alice: UserAgent;
  beforeEach(async () => {
    world = await openEngineWorld({ options: { publicationsPerUser: 2 } });
    alice = await openUserAgent(world, 'alice');
  });
  afterEach(async () => {
    await alice[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });
  const state = async (): Promise<string> =>
    basicStateOf(composePresence(ALICE, await world.presenceDatastore.publicationsOf(ALICE, PRESENCE_EVENT)));

  it('begins, is given a new life, is changed and removed, each time with a new entity tag', async () => {
    const first = await alice.publish(pidf('alice', 'busy'), [['Expires', '600']]);
    assert.deepEqual([first.status, first.headers.text('expires')], [200, '600']);
    assert.equal(await state(), 'BUSY');

    await world.clock.advance(500_000);
    const refreshed = await alice.publish(undefined, [
      ['Expires', '600'],
      ['SIP-If-Match', etagOf(first)],
    ]);
    assert.equal(refreshed.status, 200);
    await world.clock.advance(500_000);
    assert.equal(await state(), 'BUSY');

    const changed = await alice.publish(pidf('alice', 'away'), [['SIP-If-Match', etagOf(refreshed)]]);
    assert.deepEqual([changed.status, changed.headers.text('expires')], [200, '3600']);
    assert.equal(await state(), 'AWAY');
    const tags = new Set([first, refreshed, changed].map(etagOf));
    assert.equal(tags.size, 3);
    // It stays one publication.
    assert.equal((await world.presenceDatastore.publicationsOf(ALICE, PRESENCE_EVENT)).length, 1);

    const removed = await alice.publish(undefined, [
      ['Expires', '0'],
      ['SIP-If-Match', etagOf(changed)],
    ]);
    assert.deepEqual([removed.status, removed.headers.text('expires')], [200, '0']);
    assert.equal(await state(), 'UNAVAILABLE');
    assert.deepEqual(
      await Promise.all(['PublishInitial', 'PublishRefresh', 'PublishModify', 'PublishRemove'].map(world.metric)),
      [['PublishInitial 1'], ['PublishRefresh 1'], ['PublishModify 1'], ['PublishRemove 1']],
    );
  });

  it('expires', async () => {
    await alice.publish(pidf('alice', 'busy'), [['Expires', '60']]);
    await world.clock.advance(61_000);
    assert.equal(await state(), 'UNAVAILABLE');
    assert.deepEqual(await world.metric('PublishExpired'), ['PublishExpired 1']);
  });

  it('refuses an entity tag that is used up, unknown or of another user with 412', async () => {
    const first = await alice.publish(pidf('alice', 'busy'));
    const second = await alice.publish(undefined, [['SIP-If-Match', etagOf(first)]]);
    await using bob = await openUserAgent(world, 'bob');
    const answers = [
      await alice.publish(undefined, [['SIP-If-Match', etagOf(first)]]),
      await alice.publish(pidf('alice', 'away'), [['SIP-If-Match', 'nonsense']]),
      await bob.publish(undefined, [
        ['SIP-If-Match', etagOf(second)],
        ['Expires', '0'],
      ]),
    ];
    assert.deepEqual(
      answers.map(({ status, reason }) => `${status} ${reason}`),
      Array(3).fill('412 Conditional Request Failed'),
    );
    assert.equal(await state(), 'BUSY');
  });

  it('takes of two at once with one entity tag only the first', async () => {
    const first = await alice.publish(pidf('alice', 'busy'));
    const both = await Promise.all(
      ['away', 'vacation'].map((activity) => alice.publish(pidf('alice', activity), [['SIP-If-Match', etagOf(first)]])),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
  });

  const good = pidf('alice', 'busy');
  const cases: readonly (readonly [
    string,
    string | undefined,
    readonly (readonly [string, string])[],
    string,
    string,
  ])[] = [
    ['another event package', good, [['Event', 'dialog']], '489', 'alice'],
    ['a life that is too short', good, [['Expires', '59']], '423', 'alice'],
    ['no document', undefined, [], '400', 'alice'],
    ['what is no XML', '<presence', [], '400', 'alice'],
    ['what is no presence document', '<absence xmlns="urn:x"/>', [], '400', 'alice'],
    ['a document type declaration', `<!DOCTYPE x []>${good.replace(/<\?.*\?>/, '')}`, [], '400', 'alice'],
    ["another user's document", pidf('bob', 'busy'), [], '400', 'alice'],
    ['an encoded document', good, [['Content-Encoding', 'gzip']], '415', 'alice'],
    ["another user's presence", pidf('bob', 'busy'), [], '403', 'bob'],
    ['a user who is not there', pidf('nobody', 'busy'), [], '404', 'nobody'],
    ['a user who is not enabled', pidf('mallory', 'busy'), [], '404', 'mallory'],
    ['a user of another node', pidf('olga', 'busy'), [], '480', 'olga'],
    ['an extension that nobody knows', good, [['Require', '100rel']], '420', 'alice'],
  ];
  for (const [what, body, headers, status, user] of cases) {
    it(`refuses ${what} with ${status}`, async () => {
      const own = headers.some(([name]) => name === 'Event') ? headers : [['Event', 'presence'] as const, ...headers];
      const answer = await alice.send(
        'PUBLISH',
        user,
        own,
        body === undefined ? undefined : { type: 'application/pidf+xml', text: body },
      );
      assert.equal(String(answer.status), status);
      if (status === '423') assert.equal(answer.headers.text('min-expires'), '60');
      if (status === '489') assert.equal(answer.headers.text('allow-events'), 'presence');
      if (status === '420') assert.equal(answer.headers.text('unsupported'), '100rel');
      assert.deepEqual(await world.presenceDatastore.publicationsOf(ALICE, PRESENCE_EVENT), []);
    });
  }

  it('refuses what is no PIDF with 415 and says what it takes', async () => {
    const answer = await alice.send('PUBLISH', 'alice', [['Event', 'presence']], { type: 'text/plain', text: good });
    assert.deepEqual([answer.status, answer.headers.text('accept')], [415, 'application/pidf+xml']);
  });

  it('bounds the publications of a user and their life', async () => {
    const long = await alice.publish(good, [['Expires', '90000']]);
    assert.equal(long.headers.text('expires'), '3600');
    assert.equal((await alice.publish(good)).status, 200);
    assert.equal((await alice.publish(good)).status, 403);
    await world.configure({ publicationSeconds: 120 });
    const short = await alice.publish(undefined, [['SIP-If-Match', etagOf(long)]]);
    assert.equal(short.headers.text('expires'), '120');
  });

  it('believes a trusted proxy who speaks, and nobody else', async () => {
    await using proxy = await openUserAgent(world, 'someone@elsewhere.example');
    const asserted = [['P-Asserted-Identity', `<sip:${ALICE}>`]] as const;
    assert.equal((await proxy.publish(good, asserted, 'alice')).status, 200);
    assert.equal((await proxy.publish(good, [], 'alice')).status, 403);
  });

  it('tells who asks what it can, and nothing else', async () => {
    const options = await alice.send('OPTIONS', 'alice');
    assert.deepEqual([options.status, options.headers.text('allow-events')], [200, 'presence, presence.winfo']);
    const invite = await alice.send('MESSAGE', 'alice');
    assert.deepEqual([invite.status, invite.headers.text('allow')], [405, 'PUBLISH, SUBSCRIBE, OPTIONS']);
  });
});
