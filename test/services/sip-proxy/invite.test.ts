import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClientDialog, createServerDialog, nextRequest } from '../../../src/sip/dialog/dialog.ts';
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.ts';
import type { ServerTransaction } from '../../../src/sip/transaction/server-transaction.ts';
import type { SipTransport } from '../../../src/sip/transport/flow.ts';
import { until } from '../../rpc/support/until.ts';
import { openUserAgent, type UserAgent } from './user-agent.ts';
import { openProxyWorld, type ProxyWorld } from './world.ts';

const BOB = 'sip:bob@acme.example';

/** Two phones of bob and alice's, all registered. */
async function openPhones(world: ProxyWorld, qualities: readonly string[], transport: SipTransport = 'UDP') {
  const stack = new AsyncDisposableStack();
  const alice = stack.use(await openUserAgent(world, 'alice', { transport }));
  const phones: UserAgent[] = [];
  for (const q of qualities) {
    const phone = stack.use(await openUserAgent(world, 'bob', { transport }));
    await phone.register([['Contact', `<${phone.contact}>;q=${q}`]]);
    phones.push(phone);
  }
  return { alice, phones, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Calls bob with credentials. */
function invite(alice: UserAgent) {
  const invited = alice.request('INVITE', { uri: BOB, headers: [['Contact', `<${alice.contact}>`]], body: 'v=0' });
  return { invited, call: (): Promise<SipResponse> => alice.send(invited) };
}

const ringing: (transactions: ServerTransaction[]) => (transaction: ServerTransaction) => void =
  (transactions) => (transaction) => {
    transactions.push(transaction);
    transaction.reply(180);
  };

describe('calls', () => {
  it('rings every phone of one quality, hands the first answer on and cancels the others', async () => {
    await using world = await openProxyWorld();
    await using set = await openPhones(world, ['1', '1']);
    const { alice, phones } = set;
    const rung: ServerTransaction[] = [];
    let cancelled = 0;
    for (const phone of phones) {
      phone.answer = (transaction) => {
        ringing(rung)(transaction);
        transaction.onCancel(() => {
          cancelled += 1;
          transaction.reply(487);
        });
      };
    }
    const answer = invite(alice).call();
    await until(() => rung.length === 2);
    rung[1]?.reply(200, { headers: [['Contact', `<${phones[1]?.contact}>`]] });
    assert.equal((await answer).status, 200);
    await until(() => cancelled === 1);
  });

  it('tries the better phones first', async () => {
    await using world = await openProxyWorld();
    await using set = await openPhones(world, ['0.2', '0.9']);
    const [worse, better] = set.phones;
    if (better && worse) {
      better.answer = (transaction) => transaction.reply(486);
      worse.answer = (transaction) => {
        assert.equal(better.heard.filter(({ method }) => method === 'INVITE').length, 1);
        transaction.reply(200);
      };
    }
    assert.equal((await invite(set.alice).call()).status, 200);
  });

  it('answers with the best of what came back, and stops at a 6xx', async () => {
    await using world = await openProxyWorld();
    await using set = await openPhones(world, ['1', '1', '0.5']);
    const [one, two, three] = set.phones;
    if (one && two && three) {
      one.answer = (transaction) => transaction.reply(486);
      two.answer = (transaction) => transaction.reply(503);
      three.answer = (transaction) => transaction.reply(415);
      assert.equal((await invite(set.alice).call()).status, 415);
      two.answer = (transaction) => transaction.reply(603);
      const before = three.heard.length;
      assert.equal((await invite(set.alice).call()).status, 603);
      assert.equal(three.heard.slice(before).filter(({ method }) => method === 'INVITE').length, 0);
    }
  });

  it('cancels what the caller cancels', async () => {
    await using world = await openProxyWorld();
    await using set = await openPhones(world, ['1', '0.5']);
    const rung: ServerTransaction[] = [];
    const [phone, second] = set.phones;
    if (phone) {
      phone.answer = (transaction) => {
        ringing(rung)(transaction);
        transaction.onCancel(() => transaction.reply(487));
      };
    }
    const { alice } = set;
    await world.configure({ incomingAcl: [{ pattern: 'all', isGenerated: false }] });
    const call = alice.endpoint.sip.request(alice.request('INVITE', { uri: BOB }), { hop: world.hop() });
    await until(() => rung.length === 1);
    call.cancel();
    assert.equal((await call.final).status, 487);
    assert.equal(second?.heard.filter(({ method }) => method === 'INVITE').length, 0);
  });

  it('ends a call that rings too long', async () => {
    await using world = await openProxyWorld({ dynamic: { incomingAcl: [{ pattern: 'all', isGenerated: false }] } });
    await using set = await openPhones(world, ['1']);
    const rung: ServerTransaction[] = [];
    const [phone] = set.phones;
    if (phone) {
      phone.answer = (transaction) => {
        ringing(rung)(transaction);
        transaction.onCancel(() => transaction.reply(487));
      };
    }
    const final = set.alice.sendOnce(set.alice.request('INVITE', { uri: BOB }));
    await until(() => rung.length === 1);
    let isOver = false;
    void final.then(() => {
      isOver = true;
    });
    await world.clock.advance(184_000);
    assert.equal(isOver, false);
    await world.clock.advance(2_000);
    assert.equal((await final).status, 487);
  });

  for (const transport of ['UDP', 'TCP', 'TLS'] as const) {
    it(`stays in the way of the dialog over ${transport}: ACK, and BYE from either side`, async () => {
      await using world = await openProxyWorld();
      await using set = await openPhones(world, ['1'], transport);
      const { alice, phones } = set;
      const bob = phones[0] ?? assert.fail();
      let heardInvite: ServerTransaction | undefined;
      bob.answer = (transaction) => {
        if (transaction.request.method === 'INVITE') heardInvite = transaction;
        transaction.reply(200, { headers: [['Contact', `<${bob.contact}>`]] });
      };
      const { call, invited } = invite(alice);
      const answer = await call();
      assert.equal(answer.headers.list('record-route').length, 1);
      let caller = createClientDialog(invited, answer);
      const next = (method: string): SipRequest => {
        const made = nextRequest(caller, { method });
        caller = made.dialog;
        return made.request;
      };
      await alice.endpoint.sip.sendStateless(next('ACK'), { hop: world.hop(transport) });
      await until(() => bob.heard.some(({ method }) => method === 'ACK'));
      // Neither side is asked for credentials in a dialog.
      assert.equal((await alice.sendOnce(next('INFO'))).status, 200);
      assert.ok(heardInvite);
      const callee = createServerDialog(heardInvite.request, answer);
      assert.equal((await bob.sendOnce(nextRequest(callee, { method: 'BYE' }).request)).status, 200);
      assert.equal(alice.heard.at(-1)?.method, 'BYE');
      // Somebody else's name in the same dialog is nobody's.
      const forged = next('MESSAGE');
      forged.headers.set('From', '<sip:carol@acme.example>;tag=1');
      assert.equal((await alice.sendOnce(forged)).status, 407);
    });
  }

  it('sends a request again that was lost, and answers one that comes twice the same', async () => {
    await using world = await openProxyWorld();
    await using set = await openPhones(world, ['1']);
    const { alice, phones } = set;
    const bob = phones[0] ?? assert.fail();
    const seen: ServerTransaction[] = [];
    bob.answer = (transaction) => void seen.push(transaction);
    await world.configure({ incomingAcl: [{ pattern: 'all', isGenerated: false }] });
    const answer = alice.sendOnce(alice.request('MESSAGE', { uri: BOB, body: 'x' }));
    await until(() => seen.length === 1);
    await world.clock.advance(2_000);
    seen[0]?.reply(200);
    assert.equal((await answer).status, 200);
    assert.equal(seen.length, 1, 'what came again was no new request');
    assert.ok((await world.counter('SIPRetransmits')) >= 1);
  });
});
