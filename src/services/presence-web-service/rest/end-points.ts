import type { XmlElement } from '../../../xml/element.ts';
import { registerEndPoint, unregisterEndPoint } from '../actions/end-points.ts';
import { PwsFault } from '../errors.ts';
import { BASE_PATH } from '../names.ts';
import { childNumber, childText, parseBody, toId, toNumber } from '../read-request.ts';
import { created, headerOf, OK, ownSession, type RestHandlers, type RestRequest } from './rest-handler.ts';
import type { RestTarget } from './rest-target.ts';

const PATH = `${BASE_PATH}/endpoints`;

/** POST registers a callback. Source: documented, and seen in clients. */
export const END_POINTS: RestHandlers<Extract<RestTarget, { kind: 'endpoints' }>> = {
  POST: {
    operation: 'registerEndPoint',
    failure: 'registerFailed',
    async run(needs, request) {
      const session = await ownSession(needs, request, 'applicationuser');
      const body = bodyOf(request.body);
      const url = (body && childText(body, 'url')) ?? '';
      return created(
        request,
        PATH,
        await registerEndPoint(needs, session, { id: 0, url, expiration: expiryOf(request, body) }),
      );
    },
  },
};

/** PUT renews, DELETE unregisters. Source: seen in clients, which insist on 201 for PUT; the status of DELETE is ours. */
export const END_POINT: RestHandlers<Extract<RestTarget, { kind: 'endpoint' }>> = {
  PUT: {
    operation: 'registerEndPoint',
    failure: 'registerFailed',
    async run(needs, request, target) {
      const session = await ownSession(needs, request, 'applicationuser');
      const body = bodyOf(request.body);
      const id = pathId(target.id);
      const url = (body && childText(body, 'url')) ?? '';
      return created(
        request,
        PATH,
        await registerEndPoint(needs, session, { id, url, expiration: expiryOf(request, body) }),
      );
    },
  },
  DELETE: {
    operation: 'unregisterEndPoint',
    failure: 'unregisterFailed',
    async run(needs, request, target) {
      const session = await ownSession(needs, request, 'applicationuser');
      unregisterEndPoint(needs, session, pathId(target.id));
      return OK;
    },
  },
};

/** Seconds of the header, else of the body. */
export function expiryOf(request: RestRequest, body: XmlElement | undefined): number | undefined {
  return toNumber(headerOf(request, 'presence-expiry')) ?? (body && childNumber(body, 'expiration'));
}

/** An id in the path; 0 names nothing. */
function pathId(text: string): number {
  const id = toId(text, 'noEndpoint');
  if (id === 0) throw new PwsFault('noEndpoint');
  return id;
}

function bodyOf(body: string): XmlElement | undefined {
  if (body.trim() === '') return undefined;
  const root = parseBody(body);
  if (root.local !== 'endpoint') throw new PwsFault('wrongRoot');
  return root;
}
