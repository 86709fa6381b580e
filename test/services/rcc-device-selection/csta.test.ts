import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseXml } from '../../../src/xml/parse.ts';
import { newRequest, openEndpoint } from '../../sip/sip-world.ts';
import { turn } from '../../support/fake-clock.ts';
import { type CstaClient, type CstaEvent, errorOf, openClient, systemStatus, textAt } from './csta-client.ts';
import { HARD, openRccWorld, type RccWorld, SOFT } from './rcc-world.ts';

const ALICE = 'tel:1001;phone-context=dialstring';
const CAROL = 'tel:1003;phone-context=dialstring';
const BOB = 'tel:1002;phone-context=dialstring';

/** Event, whose connection it is about, and the state of one's own. */
const brief = ({ name, device, local }: CstaEvent): string => `${name} ${device} ${local}`;

describe('CSTA over SIP', () => {
  let world: RccWorld;
  const clients: CstaClient[] = [];
  const client = async (
    ...args: Parameters<typeof openClient> extends [unknown, ...infer Rest] ? Rest : never
  ): Promise<CstaClient> => {
    const opened = await openClient(world, ...args);
    clients.push(opened);
    return opened;
  };
  beforeEach(async () => {
    world = await openRccWorld({ options: { simulatedAnswerSeconds: 2, sessionSeconds: 600 } });
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    for (const each of clients.splice(0)) await each[Symbol.asyncDispose]();
  });

  it('signs in, tells what it can, makes a call and clears it, with every event', async () => {
    const alice = await client('alice', ALICE);
    const response = await alice.signIn();
    assert.equal(response.status, 200);
    assert.equal(response.headers.text('content-type'), 'application/csta+xml');
    assert.equal(response.headers.text('session-expires'), '600;refresher=uac');
    const status = parseXml(response.body.toString());
    assert.equal(status.local, 'RequestSystemStatusResponse');
    assert.equal(textAt(status, 'systemStatus'), 'normal');

    const features = await alice.ask('GetCSTAFeatures', '');
    assert.equal(textAt(features.root, 'supportedServices', 'callControlServList', 'makeCall'), 'true');
    const crossRefId = await alice.monitor();
    const callId = await alice.call('tel:1002;phone-context=dialstring');
    assert.notEqual(callId, '');
    const originated = await alice.next();
    assert.deepEqual(originated, {
      name: 'OriginatedEvent',
      crossRefId,
      callId,
      device: ALICE,
      calling: ALICE,
      called: BOB,
      local: 'connected',
      cause: 'newCall',
    });
    assert.equal(brief(await alice.next()), `DeliveredEvent ${BOB} connected`);
    assert.equal(alice.unseen, 0);
    await world.clock.advance(2_000);
    assert.equal(brief(await alice.next()), `EstablishedEvent ${BOB} connected`);

    const connection = `<connectionToBeCleared><callID>${callId}</callID><deviceID>${ALICE}</deviceID></connectionToBeCleared>`;
    assert.equal((await alice.ask('ClearConnection', connection)).root.local, 'ClearConnectionResponse');
    const cleared = await alice.next();
    assert.equal(brief(cleared), `ConnectionClearedEvent ${ALICE} null`);
    assert.equal(cleared.callId, callId);
    assert.equal(errorOf(await alice.ask('ClearConnection', connection)), 'operation invalidConnectionID');
    assert.match(world.service.detail(), /simulator: 1 session /);
    assert.equal((await alice.bye()).status, 200);
    assert.equal((await alice.ask('GetCSTAFeatures', '')).status, 481);
    assert.equal(await world.metric('CTIGWCstaEvents{event="established"'), '1');
  });

  it('rings at the line of another session, who answers; both hear of everything, over UDP as well', async () => {
    const alice = await client('alice', ALICE, 'UDP');
    const carol = await client('carol', CAROL, 'UDP');
    for (const each of [alice, carol]) {
      assert.equal((await each.signIn()).status, 200);
      await each.monitor();
    }
    const callId = await alice.call('1003');
    assert.equal(brief(await alice.next()), `OriginatedEvent ${ALICE} connected`);
    assert.equal(brief(await alice.next()), `DeliveredEvent ${CAROL} connected`);
    const ringing = await carol.next();
    assert.equal(brief(ringing), `DeliveredEvent ${CAROL} alerting`);
    assert.equal(ringing.calling, ALICE);
    const called = `<callToBeAnswered><callID>${callId}</callID><deviceID>${CAROL}</deviceID></callToBeAnswered>`;
    assert.equal(errorOf(await alice.ask('AnswerCall', called)), 'stateIncompatibility noCallToAnswer');
    assert.equal((await carol.ask('AnswerCall', called)).root.local, 'AnswerCallResponse');
    for (const each of [alice, carol]) assert.equal(brief(await each.next()), `EstablishedEvent ${CAROL} connected`);
    // Somebody who is in a call is busy.
    assert.equal(
      errorOf(
        await alice.ask(
          'MakeCall',
          `<callingDevice>${ALICE}</callingDevice><calledDirectoryNumber>1002</calledDirectoryNumber>`,
        ),
      ),
      'stateIncompatibility connectedCallExists',
    );
    const clear = `<connectionToBeCleared><callID>${callId}</callID><deviceID>${CAROL}</deviceID></connectionToBeCleared>`;
    await carol.ask('ClearConnection', clear);
    assert.equal(brief(await carol.next()), `ConnectionClearedEvent ${CAROL} null`);
    assert.equal(brief(await alice.next()), `ConnectionClearedEvent ${CAROL} connected`);
    assert.equal(brief(await alice.next()), `ConnectionClearedEvent ${ALICE} null`);
  });

  it('tells a busy line, and hangs up when the other one leaves', async () => {
    const alice = await client('alice', ALICE);
    const carol = await client('carol', CAROL);
    const again = await client('carol', CAROL);
    for (const each of [alice, carol]) {
      await each.signIn();
      await each.monitor();
    }
    await carol.call('1002');
    await alice.call('1003');
    assert.equal(brief(await alice.next()), `OriginatedEvent ${ALICE} connected`);
    const failed = await alice.next();
    assert.equal(brief(failed), `FailedEvent ${CAROL} connected`);
    assert.equal(failed.cause, 'busy');
    const { callId } = failed;
    await alice.ask('ClearConnection', `<connectionToBeCleared><callID>${callId}</callID></connectionToBeCleared>`);
    assert.equal(brief(await alice.next()), `ConnectionClearedEvent ${ALICE} null`);
    await carol.bye();
    await again.signIn();
    await again.monitor();
    await alice.call('1003');
    assert.equal(brief(await again.next()), `DeliveredEvent ${CAROL} alerting`);
    await alice.bye();
    assert.equal(brief(await again.next()), `ConnectionClearedEvent ${ALICE} alerting`);
    assert.equal(brief(await again.next()), `ConnectionClearedEvent ${CAROL} null`);
  });

  it('answers a client in its own edition, and what it does not serve with an error', async () => {
    const alice = await client('alice', ALICE);
    const body = systemStatus(ALICE).replace('/ed3', '/ed4');
    assert.equal(parseXml((await alice.signIn({ body })).body.toString()).uri.slice(-3), 'ed4');
    assert.equal(errorOf(await alice.ask('HoldCall', '')), 'operation serviceNotSupported');
    assert.equal(
      errorOf(await alice.ask('MonitorStart', `<monitorObject><deviceObject>${CAROL}</deviceObject></monitorObject>`)),
      'operation privilegeViolationSpecifiedDevice',
    );
    assert.equal(
      errorOf(await alice.ask('MonitorStop', '<monitorCrossRefID>x</monitorCrossRefID>')),
      'operation invalidMonitorCrossReferenceID',
    );
    assert.equal(
      errorOf(
        await alice.ask(
          'MakeCall',
          `<callingDevice>${CAROL}</callingDevice><calledDirectoryNumber>1002</calledDirectoryNumber>`,
        ),
      ),
      'operation invalidCallingDeviceID',
    );
    assert.equal(
      errorOf(
        await alice.ask(
          'MakeCall',
          `<callingDevice>${ALICE}</callingDevice><calledDirectoryNumber>bob</calledDirectoryNumber>`,
        ),
      ),
      'operation invalidCalledDeviceID',
    );
    for (let started = 0; started < 5; started += 1) await alice.monitor();
    const object = `<monitorObject><deviceObject>${ALICE}</deviceObject></monitorObject>`;
    assert.equal(errorOf(await alice.ask('MonitorStart', object)), 'subscribedResource objectMonitorLimitExceeded');
    assert.equal(
      (await alice.ask('SystemStatus', '<systemStatus>normal</systemStatus>')).root.local,
      'SystemStatusResponse',
    );
  });

  it('stops telling when the monitor is stopped', async () => {
    const alice = await client('alice', ALICE);
    await alice.signIn();
    const crossRefId = await alice.monitor();
    assert.equal(
      (await alice.ask('MonitorStop', `<monitorCrossRefID>${crossRefId}</monitorCrossRefID>`)).root.local,
      'MonitorStopResponse',
    );
    await alice.call('1002');
    await world.clock.advance(2_000);
    await alice.ask('GetCSTAFeatures', '');
    assert.equal(alice.unseen, 0);
  });

  it('dials by the application dial rules', async () => {
    await world.change((trx) =>
      trx
        .insertInto('dialrule')
        .values({
          pkid: 'r1',
          type: 'application',
          name: 'own',
          priority: 1,
          beginswith: '+4930555',
          digits: 12,
          digitsremoved: 8,
          prepend: '',
        })
        .execute(),
    );
    const alice = await client('alice', 'tel:+49305551001');
    assert.equal((await alice.signIn()).status, 200);
    await alice.monitor();
    await alice.call('tel:+49305551002');
    assert.equal((await alice.next()).called, BOB);
  });

  it('refuses who may not, with the alarms, until they may', async () => {
    const statusOf = async (user: string, lineUri: string, options = {}): Promise<readonly [number, string]> => {
      const { status, reason } = await (await client(user, lineUri)).signIn(options);
      return [status, reason];
    };
    assert.deepEqual(await statusOf('bob', BOB), [403, 'User Not Licensed']);
    assert.deepEqual(world.alarms(), ['CTIGWUserNotLicenced']);
    assert.deepEqual(await statusOf('dave', CAROL), [403, 'User Not Authorized']);
    assert.deepEqual(await statusOf('alice', CAROL), [403, 'User Not Authorized']);
    assert.deepEqual(await statusOf('nobody', ALICE), [403, 'User Not Authorized']);
    assert.deepEqual(world.alarms(), ['CTIGWUserNotLicenced', 'CTIGWUserNotAuthorized']);
    assert.deepEqual(await statusOf('alice', 'sip:alice@acme.example'), [400, 'Malformed Line URI']);
    assert.deepEqual(await statusOf('alice', ALICE, { contentType: 'application/sdp' }), [
      415,
      'Unsupported Media Type',
    ]);
    assert.deepEqual(await statusOf('alice', ALICE, { body: '<a/>' }), [400, 'No CSTA Message']);
    assert.deepEqual(await statusOf('alice', ALICE, { body: '<!DOCTYPE a><a/>' }), [400, 'No CSTA Message']);
    assert.equal(
      (await statusOf('bob', BOB, { headers: [['P-Asserted-Identity', '<sip:alice@acme.example>']] }))[0],
      403,
    );

    await world.change((trx) =>
      trx.insertInto('enduserdirgroupmap').values({ fkenduser: 'pkid-bob', fkdirgroup: 'g-cti' }).execute(),
    );
    assert.equal((await statusOf('bob', BOB))[0], 200);
    assert.equal(
      (await statusOf('bob', ALICE, { headers: [['P-Asserted-Identity', '<sip:alice@acme.example>']] }))[0],
      200,
    );
    assert.deepEqual(world.alarms(), ['CTIGWUserNotAuthorized']);
    // An old refusal says nothing any more.
    await world.clock.advance(2 * 60 * 60 * 1000);
    assert.deepEqual(world.alarms(), []);
  });

  it('takes the phone that was chosen for the next session, and leaves a session with its phone', async () => {
    const first = await client('carol', CAROL);
    await first.signIn();
    const lines = (): Promise<string> => world.metric('CTIGWActiveSessions');
    assert.equal(await lines(), '1');
    const driven = async (): Promise<string | undefined> => {
      const { next } = await world.service.overview('carol');
      return next === null ? undefined : `${next.device} ${next.rule}`;
    };
    assert.equal(await driven(), `${HARD} hard-phone`);
    await world.service.choose('carol', { device: SOFT, line: null, partition: null });
    assert.equal(await driven(), `${SOFT} chosen`);
    await world.test.changeFeed.settled();
    assert.equal(first.isEnded, false);
    assert.equal((await first.ask('GetCSTAFeatures', '')).status, 200);
  });

  it('repeats its answer until it is acknowledged, and gives up', async () => {
    const alice = await client('alice', ALICE);
    await alice.signIn({ isSilent: true });
    await world.clock.advance(500);
    await world.clock.advance(1_000);
    await alice.ask('GetCSTAFeatures', '');
    assert.equal(alice.answers.length, 3);
    const other = await client('alice', ALICE);
    await other.signIn({ isSilent: true });
    for (let second = 0; second < 33; second += 1) await world.clock.advance(1_000);
    await other.goneByServer;
  });

  it('ends a session that is not refreshed, with a BYE; a refresh begins its time anew', async () => {
    const alice = await client('alice', ALICE);
    await alice.signIn();
    await turn();
    await world.clock.advance(500_000);
    assert.equal((await alice.refresh()).status, 200);
    await world.clock.advance(500_000);
    assert.equal(alice.isEnded, false);
    await world.clock.advance(100_000);
    await alice.goneByServer;
    assert.equal(await world.metric('CTIGWActiveSessions'), '0');
  });

  it('ends the sessions of who may not any more, and of who signs in too often', async () => {
    const alice = await client('alice', ALICE);
    await alice.signIn();
    await alice.ask('GetCSTAFeatures', '');
    await world.change((trx) =>
      trx.updateTable('device').set({ allowcticontrol: 0 }).where('name', '=', 'SEP001E7A0003E9').execute(),
    );
    await alice.goneByServer;

    const all: CstaClient[] = [];
    for (let number = 0; number < 6; number += 1) {
      const carol = await client('carol', CAROL);
      await carol.signIn();
      all.push(carol);
    }
    await all[0]?.goneByServer;
    assert.deepEqual(
      all.map(({ isEnded }) => isEnded),
      [true, false, false, false, false, false],
    );
  });

  it('says BYE when the service stops', async () => {
    const alice = await client('alice', ALICE);
    await alice.signIn();
    await alice.ask('GetCSTAFeatures', '');
    await world.serving.close();
    assert.equal(alice.isEnded, true);
    assert.equal(world.service.detail(), 'off');
    assert.deepEqual(world.alarms(), []);
    const announced = world.test.alarms.history().map(({ name }) => name);
    assert.deepEqual(announced, ['CTIGWStopped', 'CTIGWStarted']);
    await assert.rejects(() => world.service.overview('alice'), { code: 'rcc.stopped' });
  });

  it('answers OPTIONS, and refuses what belongs to no session or comes from elsewhere', async () => {
    await using endpoint = await openEndpoint();
    const target = { hop: { transport: 'TCP', address: '127.0.0.1', port: world.port } } as const;
    const options = await endpoint.sip.send(newRequest('OPTIONS'), target);
    assert.equal(options.status, 200);
    assert.match(options.headers.text('allow') ?? '', /INFO/);
    assert.equal((await endpoint.sip.send(newRequest('MESSAGE'), target)).status, 405);
    assert.equal((await endpoint.sip.send(newRequest('INFO'), target)).status, 481);
    await world[Symbol.asyncDispose]();
    world = await openRccWorld({ options: { trustedNetworks: ['10.0.0.0/8'] } });
    assert.equal((await (await client('alice', ALICE)).signIn()).status, 403);
  });
});
