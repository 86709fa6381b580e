import { textElement } from '../../../../xml/write.ts';
import { registerEndPoint as register } from '../../actions/end-points.ts';
import { childId, childNumber, childText } from '../../read-request.ts';
import type { Operation } from '../operation.ts';

/** Registers the URL of a callback, or renews the expiry of one. Source: seen in the product's 10.x interface. */
export const registerEndPoint: Operation = {
  name: 'registerEndPoint',
  who: 'applicationuser',
  failure: 'registerFailed',
  async run(needs, payload, session) {
    const id = await register(needs, session, {
      id: childId(payload, 'endPointID', 'noEndpoint'),
      url: childText(payload, 'url') ?? '',
      expiration: childNumber(payload, 'expiration'),
    });
    return textElement('p:endPointID', id);
  },
};
