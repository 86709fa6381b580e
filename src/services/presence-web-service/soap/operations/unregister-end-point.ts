import { unregisterEndPoint as unregister } from '../../actions/end-points.ts';
import { childId } from '../../read-request.ts';
import type { Operation } from '../operation.ts';
import { SUCCESS } from '../status.ts';

/** Ends an endpoint and its subscriptions. Source: seen in the product's 10.x interface; that subscriptions end with it is ours. */
export const unregisterEndPoint: Operation = {
  name: 'unregisterEndPoint',
  who: 'applicationuser',
  failure: 'unregisterFailed',
  async run(needs, payload, session) {
    unregister(needs, session, childId(payload, 'endPointID', 'noEndpoint'));
    return SUCCESS;
  },
};
