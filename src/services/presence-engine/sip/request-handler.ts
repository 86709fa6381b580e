import { ImpError } from '../../../platform/errors.ts';
import { createNetworks } from '../../../platform/networks.ts';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { refusal, SipError } from '../../../sip/errors.ts';
import type { RequestHandler } from '../../../sip/sip.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import type { EngineCounters } from '../counters.ts';
import { MEDIA, OPTION, RETRY_SECONDS } from '../names.ts';
import { WATCHER_INFO_EVENT } from '../watching/watcher-list.ts';

export interface RequestHandlerNeeds {
  readonly publish: (transaction: ServerTransaction) => Promise<void>;
  readonly subscribe: (transaction: ServerTransaction) => Promise<void>;
  readonly counters: EngineCounters;
  /** What a request failed of. */
  readonly onFailure: (error: unknown) => void;
  /** Networks of the proxies whose word is taken. */
  readonly trustedNetworks: readonly string[];
}

const ALLOW = 'PUBLISH, SUBSCRIBE, OPTIONS';
const EXTENSIONS: readonly string[] = [OPTION.eventList, OPTION.recipientList];

/** What the engine answers over SIP: PUBLISH, SUBSCRIBE and OPTIONS, of proxies that it trusts. */
export function createRequestHandler(needs: RequestHandlerNeeds): RequestHandler {
  const trusted = createNetworks(needs.trustedNetworks);
  const { counters } = needs;

  const handle = async (transaction: ServerTransaction): Promise<void> => {
    const { request, flow } = transaction;
    if (!trusted.has(flow.remote.address)) throw refusal(403, 'Forbidden');
    const unknown = request.headers.list('require').filter((each) => !EXTENSIONS.includes(each.toLowerCase()));
    if (unknown.length > 0) throw refusal(420, 'Bad Extension', { Unsupported: unknown.join(', ') });
    if (request.method === 'PUBLISH') await needs.publish(transaction);
    else if (request.method === 'SUBSCRIBE') await needs.subscribe(transaction);
    else if (request.method === 'OPTIONS') {
      transaction.reply(200, {
        headers: [
          ['Allow', ALLOW],
          ['Accept', `${MEDIA.pidf}, ${MEDIA.resourceLists}`],
          ['Allow-Events', `${PRESENCE_EVENT}, ${WATCHER_INFO_EVENT}`],
          ['Supported', EXTENSIONS.join(', ')],
        ],
      });
    } else throw refusal(405, 'Method Not Allowed', { Allow: ALLOW });
  };

  return async (transaction) => {
    try {
      await handle(transaction);
    } catch (error) {
      needs.onFailure(error);
      const answered = answerable(error);
      const status = String(answered instanceof SipError ? (answered.answer?.status ?? 500) : 500);
      if (transaction.request.method === 'PUBLISH') counters.publishInvalid.inc({ status });
      if (transaction.request.method === 'SUBSCRIBE') counters.subscribesRejected.inc({ status });
      throw answered;
    }
  };
}

/** A store that is away or full is no fault of the client's: it may try again. */
function answerable(error: unknown): unknown {
  if (error instanceof SipError || !(error instanceof ImpError) || error.kind !== 'unavailable') return error;
  return refusal(503, 'Service Unavailable', { 'Retry-After': String(RETRY_SECONDS) }, error);
}
