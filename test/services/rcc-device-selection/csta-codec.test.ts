import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CSTA_NAMESPACE } from '../../../src/services/rcc-device-selection/csta/names.ts';
import { type CstaRequest, readCstaMessage } from '../../../src/services/rcc-device-selection/csta/read-request.ts';
import { type CstaAnswer, writeCstaAnswer } from '../../../src/services/rcc-device-selection/csta/write-answer.ts';
import { writeCstaEvent } from '../../../src/services/rcc-device-selection/csta/write-event.ts';
import type { LineEvent } from '../../../src/services/rcc-device-selection/line-control/line-control.ts';
import { telUri } from '../../../src/services/rcc-device-selection/selection/line-uri.ts';
import { elements } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { systemStatus } from './csta-client.ts';

const HEAD = '<?xml version="1.0" encoding="UTF-8"?>';
const LINE = 'tel:1001;phone-context=dialstring';

describe('CSTA messages', () => {
  const requestOf = (name: string, content: string): CstaRequest | undefined =>
    readCstaMessage(`<?xml version="1.0"?>\n<${name} xmlns="${CSTA_NAMESPACE}">${content}</${name}>`)?.request;

  it('reads what clients ask', () => {
    assert.deepEqual(readCstaMessage(systemStatus(LINE))?.request, { name: 'RequestSystemStatus', line: LINE });
    assert.deepEqual(requestOf('RequestSystemStatus', ''), { name: 'RequestSystemStatus', line: null });
    assert.deepEqual(
      requestOf(
        'MakeCall',
        `<callingDevice>${LINE}</callingDevice><calledDirectoryNumber> tel:+49 </calledDirectoryNumber>`,
      ),
      { name: 'MakeCall', callingDevice: LINE, called: 'tel:+49' },
    );
    assert.deepEqual(
      requestOf('AnswerCall', '<callToBeAnswered><callID>7</callID><deviceID>d</deviceID></callToBeAnswered>'),
      {
        name: 'AnswerCall',
        connection: { callId: '7', deviceId: 'd' },
      },
    );
    assert.deepEqual(requestOf('ClearConnection', ''), {
      name: 'ClearConnection',
      connection: { callId: '', deviceId: '' },
    });
    assert.deepEqual(requestOf('HoldCall', ''), { name: 'other' });
    for (const edition of ['ed2', 'ed4', 'ed6']) {
      assert.ok(readCstaMessage(systemStatus(LINE).replaceAll('/ed3"', `/${edition}"`)), edition);
    }
  });

  it('takes nothing that is no CSTA, and never throws', () => {
    for (const body of [
      '',
      '<a/>',
      '<MakeCall/>',
      `<MakeCall xmlns="${CSTA_NAMESPACE}">`,
      '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    ]) {
      assert.equal(readCstaMessage(body), null, body);
    }
    assert.equal(readCstaMessage(`${'<a>'.repeat(40)}${'</a>'.repeat(40)}`), null);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readCstaMessage(Buffer.from(bytes))));
    fc.assert(fc.property(fc.string(), (text) => void readCstaMessage(systemStatus(text))));
  });

  it('writes answers', () => {
    const written = (answer: CstaAnswer): string =>
      writeCstaAnswer(answer, CSTA_NAMESPACE).replace(` xmlns="${CSTA_NAMESPACE}"`, '');
    assert.equal(
      written({ name: 'MakeCallResponse', connection: { callId: '7', deviceId: LINE } }),
      `${HEAD}<MakeCallResponse><callingDevice><callID>7</callID><deviceID>${LINE}</deviceID></callingDevice></MakeCallResponse>`,
    );
    assert.equal(
      written({ name: 'CSTAErrorCode', error: { category: 'operation', value: 'serviceNotSupported' } }),
      `${HEAD}<CSTAErrorCode><operation>serviceNotSupported</operation></CSTAErrorCode>`,
    );
    assert.equal(written({ name: 'AnswerCallResponse' }), `${HEAD}<AnswerCallResponse/>`);
  });

  it('writes events with their parts in the order of ECMA-323', () => {
    const partsOf = (kind: LineEvent['kind']): string => {
      const event: LineEvent = {
        kind,
        callId: '7',
        calling: '1001',
        called: '1002',
        party: '1002',
        local: 'connected',
        cause: 'newCall',
      };
      const root = parseXml(writeCstaEvent(event, { namespace: CSTA_NAMESPACE, crossRefId: 'm', deviceOf: telUri }));
      return [root.local, ...elements(root).map(({ local }) => local)].join(' ');
    };
    const end = 'localConnectionInfo cause';
    const parties = 'callingDevice calledDevice lastRedirectionDevice';
    assert.equal(
      partsOf('originated'),
      `OriginatedEvent monitorCrossRefID originatedConnection callingDevice calledDevice ${end}`,
    );
    assert.equal(partsOf('delivered'), `DeliveredEvent monitorCrossRefID connection alertingDevice ${parties} ${end}`);
    assert.equal(
      partsOf('established'),
      `EstablishedEvent monitorCrossRefID establishedConnection answeringDevice ${parties} ${end}`,
    );
    assert.equal(
      partsOf('cleared'),
      `ConnectionClearedEvent monitorCrossRefID droppedConnection releasingDevice ${end}`,
    );
    assert.equal(partsOf('failed'), `FailedEvent monitorCrossRefID failedConnection failingDevice ${parties} ${end}`);
  });
});
