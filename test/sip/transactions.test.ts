import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SipError } from '../../src/sip/errors.ts';
import { createResponse } from '../../src/sip/message/build.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import { parseDatagram } from '../../src/sip/message/parse.ts';
import { createStatistics } from '../../src/sip/statistics.ts';
import { createRunner } from '../../src/sip/transaction/runner.ts';
import type { ServerTransaction } from '../../src/sip/transaction/server-transaction.ts';
import {
  type ClientEvent,
  type Effect,
  INVITE_CLIENT,
  INVITE_SERVER,
  type Machine,
  OTHER_CLIENT,
  OTHER_SERVER,
  type ServerEvent,
} from '../../src/sip/transaction/tables.ts';
import { DEFAULT_TIMING } from '../../src/sip/transaction/timing.ts';
import { createTransactions } from '../../src/sip/transaction/transactions.ts';
import type { Flow } from '../../src/sip/transport/flow.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { newRequest } from './sip-world.ts';

/** The transaction layer over a flow that only writes down. */
function world(isReliable = false) {
  const clock = new FakeClock();
  const began = clock.monotonic();
  const statistics = createStatistics();
  /** What went out: seconds since the beginning, and method or status. */
  const sent: string[] = [];
  const requests: ServerTransaction[] = [];
  const acks: SipRequest[] = [];
  let isBroken = false;
  const write = (bytes: Buffer): void => {
    if (isBroken) throw new SipError('sip.unreachable', 'broken');
    const message = parseDatagram(bytes);
    sent.push(`${(clock.monotonic() - began) / 1000} ${message.kind === 'request' ? message.method : message.status}`);
  };
  const flow: Flow = {
    id: 'test',
    transport: isReliable ? 'TCP' : 'UDP',
    isReliable,
    local: { address: '127.0.0.1', port: 1 },
    remote: { address: '127.0.0.1', port: 2 },
    peerNames: [],
    peerFingerprint: '',
    isOpen: true,
    send: write,
    onClose: () => ({ [Symbol.dispose]: () => undefined }),
  };
  const layer = createTransactions({
    clock,
    timing: DEFAULT_TIMING,
    statistics,
    maxServerTransactions: 1000,
    newTag: () => 'ours',
    tagOf: (text) => `of${text.length}`,
    onRequest: (transaction) => requests.push(transaction),
    onAck: (ack) => acks.push(ack),
    responderFor: () => (bytes, onError) => {
      try {
        write(bytes);
      } catch (error) {
        if (!(error instanceof SipError)) throw error;
        onError();
      }
    },
  });
  const heard: string[] = [];
  return {
    clock,
    statistics,
    sent,
    requests,
    acks,
    layer,
    flow,
    heard,
    breakTransport: () => {
      isBroken = true;
    },
    receive: (message: SipMessage) => layer.receive(message, flow),
    start(method: string) {
      const request = newRequest(method, [['Via', `SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${Math.random()}`]]);
      layer.start(request, flow, {
        onResponse: (response) => heard.push(String(response.status)),
        onFailure: (error) => heard.push(error.code),
      });
      return {
        request,
        answer: (status: number, toTag = 't') => layer.receive(createResponse(request, status, { toTag }), flow),
      };
    },
    incoming(method: string, branch = 'z9hG4bKin') {
      const request = newRequest(method, [['Via', `SIP/2.0/UDP 192.0.2.1;branch=${branch}`]]);
      layer.receive(request, flow);
      return request;
    },
  };
}

const asAck = (request: SipRequest): SipRequest => {
  const headers = request.headers.clone().set('CSeq', '1 ACK');
  return { ...request, method: 'ACK', headers };
};

describe('timers of a client transaction', () => {
  it('A doubles without end, B ends an INVITE that nobody answers', async () => {
    const w = world();
    w.start('INVITE');
    await w.clock.advance(40_000);
    assert.deepEqual(
      w.sent,
      [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5].map((at) => `${at} INVITE`),
    );
    assert.deepEqual(w.heard, ['sip.timeout']);
    assert.deepEqual([w.statistics.clientTransactions, w.clock.pending], [0, 0]);
  });

  it('E doubles up to T2, F ends another request', async () => {
    const w = world();
    w.start('OPTIONS');
    await w.clock.advance(40_000);
    assert.deepEqual(
      w.sent.map((line) => Number(line.split(' ')[0])),
      [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5],
    );
    assert.deepEqual(w.heard, ['sip.timeout']);
  });

  it('E is T2 once a provisional response has come', async () => {
    const w = world();
    const { answer } = w.start('OPTIONS');
    answer(100);
    await w.clock.advance(9_000);
    assert.deepEqual(
      w.sent.map((line) => Number(line.split(' ')[0])),
      [0, 0.5, 4.5, 8.5],
    );
  });

  it('over a connection nothing is sent again, B and F still end it', async () => {
    const w = world(true);
    w.start('INVITE');
    w.start('OPTIONS');
    await w.clock.advance(31_999);
    assert.deepEqual([w.sent.length, w.heard], [2, []]);
    await w.clock.advance(1);
    assert.deepEqual(w.heard, ['sip.timeout', 'sip.timeout']);
  });

  it('an INVITE in Proceeding waits without end', async () => {
    const w = world();
    const { answer } = w.start('INVITE');
    answer(180);
    await w.clock.advance(600_000);
    assert.deepEqual([w.sent.length, w.heard, w.clock.pending], [1, ['180'], 0]);
  });

  it('D: a refused INVITE is acknowledged each time it is refused, for 32 s', async () => {
    const w = world();
    const { answer } = w.start('INVITE');
    answer(486);
    await w.clock.advance(31_000);
    answer(486);
    assert.deepEqual(w.sent, ['0 INVITE', '0 ACK', '31 ACK']);
    assert.deepEqual(w.heard, ['486']);
    await w.clock.advance(1_000);
    answer(486);
    assert.deepEqual([w.sent.length, w.statistics.stray, w.clock.pending], [3, 1, 0]);
  });

  it('M: further 2xx go up for 64 T1, and no ACK is made here (RFC 6026)', async () => {
    const w = world();
    const { answer } = w.start('INVITE');
    answer(200, 'a');
    answer(200, 'b');
    await w.clock.advance(31_999);
    answer(200, 'c');
    await w.clock.advance(1);
    answer(200, 'd');
    assert.deepEqual([w.sent, w.heard], [['0 INVITE'], ['200', '200', '200']]);
    assert.equal(w.clock.pending, 0);
  });

  it('K: late answers to another request are absorbed for T4, over a connection not at all', async () => {
    const w = world();
    const { answer } = w.start('OPTIONS');
    answer(200);
    answer(200);
    await w.clock.advance(5_000);
    assert.deepEqual([w.heard, w.statistics.stray, w.statistics.clientTransactions], [['200'], 0, 0]);
    const reliable = world(true);
    reliable.start('OPTIONS').answer(200);
    assert.deepEqual([reliable.heard, reliable.statistics.clientTransactions, reliable.clock.pending], [['200'], 0, 0]);
    reliable.start('INVITE').answer(404);
    assert.deepEqual([reliable.sent.at(-1), reliable.statistics.clientTransactions], ['0 ACK', 0]);
  });

  it('a transport that fails ends it at once', () => {
    const w = world();
    w.breakTransport();
    w.start('INVITE');
    assert.deepEqual([w.heard, w.statistics.clientTransactions, w.clock.pending], [['sip.unreachable'], 0, 0]);
  });
});

describe('timers of a server transaction', () => {
  it('an INVITE that nobody answers gets 100 after 200 ms', async () => {
    const w = world();
    const request = w.incoming('INVITE');
    w.receive(request);
    assert.deepEqual(w.sent, []);
    await w.clock.advance(200);
    w.receive(request);
    assert.deepEqual(w.sent, ['0.2 100', '0.2 100']);
    w.requests[0]?.reply(180);
    w.receive(request);
    assert.deepEqual(w.sent.slice(2), ['0.2 180', '0.2 180']);
    assert.equal(w.requests.length, 1);
  });

  it('and none when it was answered before', async () => {
    const w = world();
    w.incoming('INVITE');
    w.requests[0]?.reply(180);
    await w.clock.advance(1_000);
    assert.deepEqual(w.sent, ['0 180']);
  });

  it('G doubles up to T2, H ends the wait for an ACK', async () => {
    const w = world();
    w.incoming('INVITE');
    const failures: string[] = [];
    w.requests[0]?.onFailure((why) => failures.push(why));
    w.requests[0]?.reply(404);
    await w.clock.advance(32_000);
    assert.deepEqual(
      w.sent.map((line) => Number(line.split(' ')[0])),
      [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5],
    );
    assert.deepEqual([failures, w.statistics.serverTransactions, w.clock.pending], [['time-out'], 0, 0]);
  });

  it('I: ACK stops the retransmissions, and more of them are absorbed for T4', async () => {
    const w = world();
    const request = w.incoming('INVITE');
    w.requests[0]?.reply(404);
    w.receive(asAck(request));
    w.receive(asAck(request));
    await w.clock.advance(4_999);
    w.receive(request);
    assert.deepEqual([w.sent, w.acks.length, w.statistics.serverTransactions], [['0 404'], 0, 1]);
    await w.clock.advance(1);
    assert.equal(w.statistics.serverTransactions, 0);
  });

  it('L: after a 2xx the INVITE is absorbed for 64 T1, further 2xx go out, ACK goes up (RFC 6026)', async () => {
    const w = world();
    const request = w.incoming('INVITE');
    w.requests[0]?.reply(200);
    w.receive(request);
    w.requests[0]?.reply(200);
    w.requests[0]?.reply(500);
    w.receive(asAck(request));
    assert.deepEqual([w.sent, w.acks.length], [['0 200', '0 200'], 1]);
    await w.clock.advance(32_000);
    assert.deepEqual([w.statistics.serverTransactions, w.clock.pending], [0, 0]);
  });

  it('J: the answer to another request is repeated for 64 T1, over a connection not at all', async () => {
    const w = world();
    const request = w.incoming('OPTIONS');
    w.requests[0]?.reply(200);
    await w.clock.advance(31_999);
    w.receive(request);
    assert.deepEqual([w.sent, w.requests.length], [['0 200', '31.999 200'], 1]);
    await w.clock.advance(1);
    assert.equal(w.statistics.serverTransactions, 0);
    const reliable = world(true);
    reliable.incoming('OPTIONS');
    reliable.requests[0]?.reply(200);
    assert.deepEqual([reliable.statistics.serverTransactions, reliable.clock.pending], [0, 0]);
  });

  it('forgets a request that is answered statelessly, but for an INVITE (RFC 3261 8.2.7)', async () => {
    const w = world();
    const request = w.incoming('OPTIONS');
    (w.requests[0] as ServerTransaction).replyStateless(401);
    assert.deepEqual([w.sent, w.statistics.serverTransactions, w.clock.pending], [['0 401'], 0, 0]);
    w.receive(request);
    assert.equal(w.requests.length, 2);
    w.incoming('INVITE', 'z9hG4bKother');
    (w.requests[2] as ServerTransaction).replyStateless(407);
    assert.equal(w.statistics.serverTransactions, 2);
  });

  it('lets many answers go in the order of their coming, each after 64 T1', async () => {
    const w = world();
    for (let turn = 0; turn < 3; turn += 1) {
      w.incoming('OPTIONS', `z9hG4bK${turn}`);
      (w.requests[turn] as ServerTransaction).reply(200);
      await w.clock.advance(1_000);
    }
    const left: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      left.push(w.statistics.serverTransactions);
      await w.clock.advance(turn === 0 ? 29_000 : 1_000);
    }
    assert.deepEqual([left, w.statistics.serverTransactions, w.clock.pending], [[3, 2, 1, 0], 0, 0]);
  });

  it('RFC 4320: 100 only after T2 - T1 over UDP, nothing else provisional, no 408, no answer after 64 T1', async () => {
    const w = world();
    const request = w.incoming('OPTIONS');
    const transaction = w.requests[0] as ServerTransaction;
    transaction.reply(180);
    transaction.reply(408);
    w.receive(request);
    await w.clock.advance(3_499);
    assert.deepEqual(w.sent, []);
    await w.clock.advance(1);
    w.receive(request);
    assert.deepEqual(w.sent, ['3.5 100', '3.5 100']);
    await w.clock.advance(28_500);
    transaction.reply(200);
    assert.deepEqual([w.sent.length, w.statistics.serverTransactions], [2, 0]);
    const reliable = world(true);
    reliable.incoming('OPTIONS');
    await reliable.clock.advance(31_000);
    assert.deepEqual(reliable.sent, []);
  });

  it('tells branches, senders and methods apart, and elements of RFC 2543 by what they repeat', () => {
    const w = world();
    w.incoming('OPTIONS', 'z9hG4bKa');
    w.incoming('OPTIONS', 'z9hG4bKb');
    w.incoming('INVITE', 'z9hG4bKa');
    assert.equal(w.requests.length, 3);
    const old = w.incoming('INVITE', 'x');
    w.receive(old);
    w.requests[3]?.reply(486);
    w.receive(asAck(old));
    assert.deepEqual([w.requests.length, w.sent.length, w.acks.length], [4, 1, 0]);
    w.incoming('INVITE', 'z9hG4bK');
    w.incoming('INVITE', 'z9hG4bK');
    assert.equal(w.requests.length, 6);
  });
});

const MACHINES: Readonly<Record<string, Machine<string, string>>> = {
  'INVITE client': INVITE_CLIENT as unknown as Machine<string, string>,
  'other client': OTHER_CLIENT as unknown as Machine<string, string>,
  'INVITE server': INVITE_SERVER as unknown as Machine<string, string>,
  'other server': OTHER_SERVER as unknown as Machine<string, string>,
};

const EVENTS: readonly (ClientEvent | ServerEvent)[] = [
  '1xx',
  '2xx',
  '300-699',
  'transport-error',
  'request',
  'ack',
  'tu-1xx',
  'tu-2xx',
  'tu-300-699',
];

describe('the tables of the transactions', () => {
  for (const [name, machine] of Object.entries(MACHINES)) {
    it(`${name}: one row for a state and an event, each timer fires into a row, nothing leaves Terminated`, () => {
      const rows = machine.rows.map((row) => `${row.from} ${row.on}`);
      assert.equal(new Set(rows).size, rows.length);
      for (const [state, timers] of Object.entries(machine.timers)) {
        for (const timer of timers ?? []) assert.ok(rows.includes(`${state} ${timer}`), `${state} ${timer}`);
      }
      assert.ok(!machine.rows.some((row) => row.from === 'terminated'));
    });

    for (const row of machine.rows) {
      it(`${name}: ${row.from}, ${row.on} → ${row.to} [${row.effects.join(', ')}]`, async () => {
        const clock = new FakeClock();
        const effects: Effect[] = [];
        // Only rows out of the first state are led to by an event each; the others are walked to through the table.
        const started = { ...machine, initial: row.from };
        const runner = createRunner<string, string>(started, {
          clock,
          timing: DEFAULT_TIMING,
          isReliable: false,
          perform: (effect) => effects.push(effect),
          onEnd: () => undefined,
        });
        // An event of the table and a timer are the same to it: whoever names the row takes it.
        runner.handle(row.on);
        assert.equal(runner.state, row.to);
        assert.deepEqual(effects, row.effects);
        runner.stop();
        assert.equal(clock.pending, 0);
      });
    }

    it(`${name}: whatever happens, it follows the table, ends, and leaves no timer`, async () => {
      const step = fc.oneof(
        fc.constantFrom(...EVENTS).map((event) => ({ event, ms: 0 })),
        fc.integer({ min: 1, max: 20_000 }).map((ms) => ({ event: undefined, ms })),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.boolean(), async (steps, isReliable) => {
          const clock = new FakeClock();
          let ends = 0;
          const effects: Effect[] = [];
          const runner = createRunner<string, string>(machine, {
            clock,
            timing: DEFAULT_TIMING,
            isReliable,
            perform: (effect) => effects.push(effect),
            onEnd: () => {
              ends += 1;
            },
          });
          for (const { event, ms } of steps) {
            const before = runner.state;
            if (event === undefined) {
              await clock.advance(ms);
              continue;
            }
            effects.length = 0;
            runner.handle(event);
            const row = machine.rows.find((each) => each.from === before && each.on === event);
            if (row === undefined) assert.deepEqual([runner.state, effects], [before, []]);
            else {
              assert.deepEqual(effects, row.effects);
              assert.ok(runner.state === row.to || (isReliable && runner.state === 'terminated'));
            }
            assert.ok(clock.pending <= 2);
          }
          assert.equal(ends, runner.state === 'terminated' ? 1 : 0);
          if (runner.state === 'terminated') assert.equal(clock.pending, 0);
          runner.stop();
          assert.equal(clock.pending, 0);
        }),
        { numRuns: 40 },
      );
    });
  }
});

describe('the transaction layer', () => {
  it('gives a client what its own response says, whatever else comes', () => {
    const w = world();
    const { answer } = w.start('OPTIONS');
    const other = newRequest('OPTIONS', [['Via', 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKnot']]);
    w.receive(createResponse(other, 200) as SipResponse);
    assert.deepEqual([w.heard, w.statistics.stray], [[], 1]);
    answer(202);
    assert.deepEqual(w.heard, ['202']);
  });

  it('ends everything when it closes, without another timer', async () => {
    const w = world();
    w.start('INVITE');
    w.incoming('INVITE');
    w.layer.close();
    assert.deepEqual([w.heard, w.clock.pending], [['sip.closed'], 0]);
  });

  it('counts methods without letting strangers fill memory', () => {
    const w = world();
    for (let index = 0; index < 100; index += 1) w.incoming(`M${index}`, `z9hG4bK${index}`);
    assert.ok(w.statistics.requestsInBy.method.size <= 31);
    assert.equal(w.statistics.requestsInBy.method.get('other'), 70);
  });
});
