import { element } from '../../xml/element.ts';
import { textElement, element as wrap } from '../../xml/write.ts';
import { notFound } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { returned } from '../message/write-reply.ts';
import type { Operation } from './operation.ts';

/** The release that the mock is. */
export const CCM_VERSION = '15.0.1.12900(234)';

/** `getCCMVersion`: the cheap ping, and the probe of what is spoken. */
export const getCcmVersion: Operation = {
  name: 'getCCMVersion',
  isWrite: false,
  run({ store }, payload) {
    const node = element(payload, 'processNodeName');
    const name = node ? valueText(node) : '';
    if (name !== '' && !store.read.get('SELECT 1 FROM processnode WHERE name = ? COLLATE NOCASE', name)) {
      throw notFound('ProcessNode');
    }
    return returned(wrap('componentVersion', undefined, textElement('version', CCM_VERSION)));
  },
};
