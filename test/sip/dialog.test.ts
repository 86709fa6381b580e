import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  acceptRequest,
  acceptResponse,
  createClientDialog,
  createServerDialog,
  dialogId,
  dialogIdOf,
  nextRequest,
} from '../../src/sip/dialog/dialog.ts';
import { grantExpiry, subscriptionStateOf, writeSubscriptionState } from '../../src/sip/dialog/subscription.ts';
import { createResponse } from '../../src/sip/message/build.ts';
import type { SipRequest } from '../../src/sip/message/message.ts';
import { addressOfRecord, isSameUri, parseUri, type SipUri, writeUri } from '../../src/sip/values/uri.ts';
import { newRequest } from './sip-world.ts';

const VIA = ['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKd'] as const;

function subscribed(routes: readonly string[] = ['<sip:p1.acme.example;lr>', '<sip:p2.acme.example;lr>']) {
  const request = newRequest('SUBSCRIBE', [
    VIA,
    ['Contact', '<sip:alice@192.0.2.7>'],
    ...routes.map((route) => ['Record-Route', route] as const),
  ]);
  const response = createResponse(request, 200, { toTag: 'srv', headers: [['Contact', '<sip:bob@192.0.2.8:5070>']] });
  return {
    request,
    response,
    server: createServerDialog(request, response),
    client: createClientDialog(request, response),
  };
}

describe('a dialog (RFC 3261 12)', () => {
  it('is found by the same id from requests of both sides', () => {
    const { server, client } = subscribed();
    const notify = nextRequest(server, { method: 'NOTIFY' });
    assert.equal(dialogIdOf(notify.request), dialogId(client.callId, client.localTag, client.remoteTag));
    const refresh = nextRequest(client, { method: 'SUBSCRIBE' });
    assert.equal(dialogIdOf(refresh.request), dialogId(server.callId, server.localTag, server.remoteTag));
    assert.equal(dialogIdOf(newRequest('SUBSCRIBE')), undefined);
  });

  it('sends to the peer, through the routes in the right order', () => {
    const { server, client } = subscribed();
    const down = nextRequest(server, { method: 'NOTIFY' }).request;
    assert.deepEqual(
      [down.uri, down.headers.texts('route')],
      ['sip:alice@192.0.2.7', ['<sip:p1.acme.example;lr>', '<sip:p2.acme.example;lr>']],
    );
    const up = nextRequest(client, { method: 'SUBSCRIBE' }).request;
    assert.deepEqual(
      [up.uri, up.headers.texts('route')],
      ['sip:bob@192.0.2.8:5070', ['<sip:p2.acme.example;lr>', '<sip:p1.acme.example;lr>']],
    );
    assert.equal(up.headers.text('cseq'), '2 SUBSCRIBE');
  });

  it('puts a strict router into the Request-URI', () => {
    const { server } = subscribed(['<sip:strict.example>', '<sip:p2.acme.example;lr>']);
    const { request } = nextRequest(server, { method: 'NOTIFY' });
    assert.equal(request.uri, 'sip:strict.example');
    assert.deepEqual(request.headers.texts('route'), ['<sip:p2.acme.example;lr>', '<sip:alice@192.0.2.7>']);
  });

  it('counts its requests, but for ACK', () => {
    const { server } = subscribed();
    const first = nextRequest(server, { method: 'INVITE' });
    const ack = nextRequest(first.dialog, { method: 'ACK' });
    assert.deepEqual(
      [first.request, ack.request].map((each) => each.headers.text('cseq')),
      ['1 INVITE', '1 ACK'],
    );
    assert.equal(nextRequest(ack.dialog, { method: 'BYE' }).request.headers.text('cseq'), '2 BYE');
  });

  it('refuses what comes late with 500, and follows a moved Contact', () => {
    const { server, client } = subscribed();
    const refresh = nextRequest(client, { method: 'SUBSCRIBE', headers: [['Contact', '<sip:alice@192.0.2.99>']] });
    const after = acceptRequest(server, refresh.request);
    assert.deepEqual([after.remoteSeq, after.remoteTarget], [2, 'sip:alice@192.0.2.99']);
    assert.throws(
      () => acceptRequest(after, refresh.request),
      (error: { answer?: { status: number } }) => error.answer?.status === 500,
    );
  });

  it('is early until a final response confirms it', () => {
    const invite = newRequest('INVITE', [VIA]);
    const ringing = createResponse(invite, 180, { toTag: 'e', headers: [['Contact', '<sip:bob@192.0.2.8>']] });
    const early = createClientDialog(invite, ringing);
    assert.equal(early.isConfirmed, false);
    const ok = createResponse(invite, 200, { toTag: 'e', headers: [['Contact', '<sip:bob@192.0.2.80>']] });
    const confirmed = acceptResponse(early, invite, ok);
    assert.deepEqual([confirmed.isConfirmed, confirmed.remoteTarget], [true, 'sip:bob@192.0.2.80']);
    assert.equal(acceptResponse(early, invite, createResponse(invite, 486)), early);
  });

  it('needs one Contact', () => {
    const request = newRequest('SUBSCRIBE', [VIA]);
    assert.throws(() => createServerDialog(request, createResponse(request, 200)), { code: 'sip.malformed' });
  });
});

describe('a subscription (RFC 6665)', () => {
  const notify = (state: string): SipRequest => newRequest('NOTIFY', [['Subscription-State', state]]);
  it('says and reads its state', () => {
    for (const state of [
      { state: 'active', expiresSeconds: 3600 },
      { state: 'pending' },
      { state: 'terminated', reason: 'probation', retryAfterSeconds: 60 },
      { state: 'terminated', reason: 'noresource' },
    ] as const) {
      assert.deepEqual(subscriptionStateOf(notify(writeSubscriptionState(state))), state);
    }
    assert.deepEqual(subscriptionStateOf(notify('terminated;reason=unheard-of')), { state: 'terminated' });
    assert.deepEqual(subscriptionStateOf(notify('strange;expires=x')), { state: 'active' });
    assert.throws(() => subscriptionStateOf(newRequest('NOTIFY')), { code: 'sip.malformed' });
  });

  it('gets the time it asks for, within bounds', () => {
    const bounds = { minSeconds: 60, maxSeconds: 7200, defaultSeconds: 3600 };
    assert.deepEqual(
      [undefined, 0, 59, 60, 7200, 9999].map((asked) => grantExpiry(asked, bounds)),
      [3600, 0, 'too-brief', 60, 7200, 7200],
    );
    assert.equal(grantExpiry(3600, { ...bounds, minSeconds: 7000 }), 3600);
  });
});

describe('URIs', () => {
  it('are the same by RFC 3261 19.1.4', () => {
    const same: readonly [string, string, boolean][] = [
      ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp', true],
      ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5', true],
      ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5', true],
      [
        'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
        'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
        true,
      ],
      [
        'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
        'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
        true,
      ],
      ['SIP:ALICE@AtLanTa.CoM', 'sip:alice@AtLanTa.CoM', false],
      ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060', false],
      ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=tcp', false],
      ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting', false],
      ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off', false],
      ['sip:a%3Bb@h', 'sip:a;b@h', false],
      ['sips:a@h', 'sip:a@h', false],
      ['tel:+1555', 'tel:+1555', true],
    ];
    for (const [a, b, expected] of same) {
      assert.equal(isSameUri(parseUri(a), parseUri(b)), expected, `${a} ${b}`);
      assert.equal(isSameUri(parseUri(b), parseUri(a)), expected, `${b} ${a}`);
    }
  });

  it('are written as they were read', () => {
    for (const text of [
      'sip:a%20b:pw@[::1]:5070;lr;transport=tcp?Subject=x',
      'sips:acme.example',
      'tel:+1-555;phone-context=x',
    ]) {
      assert.equal(writeUri(parseUri(text)), text);
    }
  });

  it('name one address of record, however they are escaped', () => {
    const aor = (text: string): string => addressOfRecord(parseUri(text) as SipUri);
    assert.equal(aor('sip:%61lice@ACME.example:5060;transport=tcp?a=b'), 'sip:alice@acme.example');
    assert.equal(aor('sip:a%40b@acme.example'), 'sip:a%40b@acme.example');
    assert.equal(aor('sip:Zo%C3%AB@acme.example:5070'), 'sip:Zo%C3%AB@acme.example:5070');
  });

  it('that are none are refused', () => {
    for (const text of [
      '',
      'alice',
      'sip:',
      'sip:@h',
      'sip:a@',
      'sip:a@h:99999',
      'sip:a@h:x',
      'sip:a@h;;x',
      'sip:a@h;x=',
      'sip:a@[::g]',
      'sip:a b@h',
      'sip:a@h;x;x',
      'sip:a@-h',
      'sip:a%2@h',
      '1sip:a@h',
    ]) {
      assert.throws(() => parseUri(text), { code: 'sip.malformed' }, text);
    }
  });
});
