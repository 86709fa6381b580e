import { createTurns } from '../../../datastore/turns.ts';
import { PidfError } from '../../../pidf/errors.ts';
import type { Pidf } from '../../../pidf/pidf.ts';
import { readPidf } from '../../../pidf/read-pidf.ts';
import type { Clock } from '../../../platform/clock.ts';
import { PRESENCE_EVENT, type Publication } from '../../../presence/publication.ts';
import { grantExpiry } from '../../../sip/dialog/subscription.ts';
import { refusal } from '../../../sip/errors.ts';
import { requestUri, type SipRequest } from '../../../sip/message/message.ts';
import { randomText } from '../../../sip/random-text.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import { parseUri } from '../../../sip/values/uri.ts';
import { XmlError } from '../../../xml/errors.ts';
import { parseXml } from '../../../xml/parse.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { EngineCounters } from '../counters.ts';
import { MEDIA } from '../names.ts';
import type { PresenceEngineOptions } from '../options.ts';
import type { Residents } from '../watching/residents.ts';
import { addressOfUri, speakerOf } from './addresses.ts';
import { presenceEventOf } from './events.ts';

export interface PublisherNeeds {
  readonly presenceDatastore: PresenceDatastore;
  readonly residents: Residents;
  readonly clock: Clock;
  readonly counters: EngineCounters;
  readonly options: PresenceEngineOptions;
  /** The longest life of a publication, in seconds. */
  readonly maxSeconds: () => number;
}

/** Bounds of a document in characters; what a datagram or a message carries is bounded before. */
const MAX_CHARACTERS = 64 * 1024;

/**
 * Event state publication (RFC 3903): each publication is a row of the Presence Datastore, `sip:<id>`, and its entity tag
 * is `<id>.<number>` with a number that every 2xx moves on. Requests for one user are taken one after the other.
 */
export function createPublisher(needs: PublisherNeeds): (transaction: ServerTransaction) => Promise<void> {
  const { presenceDatastore, residents, clock, counters, options } = needs;
  const inTurn = createTurns();

  return async (transaction) => {
    const { request } = transaction;
    presenceEventOf(request);
    const presentity = addressOfUri(requestUri(request));
    if (presentity === undefined) throw refusal(404, 'Not Found');
    await residents.require(presentity);
    if (speakerOf(request) !== presentity) throw refusal(403, 'Only for Oneself');
    const seconds = grantExpiry(request.headers.get('expires'), {
      minSeconds: options.minExpirySeconds,
      maxSeconds: needs.maxSeconds(),
      defaultSeconds: needs.maxSeconds(),
    });
    if (seconds === 'too-brief') {
      throw refusal(423, 'Interval Too Brief', { 'Min-Expires': String(options.minExpirySeconds) });
    }
    const match = request.headers.get('sip-if-match');
    const etag = await inTurn(presentity, () =>
      match === undefined ? initial(request, presentity, seconds) : renew(request, presentity, match, seconds),
    );
    transaction.reply(200, {
      headers: [
        ['SIP-ETag', etag],
        ['Expires', String(seconds)],
      ],
    });
  };

  async function initial(request: SipRequest, presentity: string, seconds: number): Promise<string> {
    if (request.body.length === 0) throw refusal(400, 'Missing Body');
    const document = documentOf(request, presentity);
    const id = randomText(12);
    const etag = `${id}.1`;
    // A life of nothing is over at once; it is still a publication that was taken.
    if (seconds > 0) {
      const own = (await presenceDatastore.publicationsOf(presentity, PRESENCE_EVENT)).filter(isOfSip);
      if (own.length >= options.publicationsPerUser) throw refusal(403, 'Too Many Publications');
      await store(presentity, `sip:${id}`, etag, document, seconds, clock.now());
    }
    counters.publishInitial.inc();
    return etag;
  }

  async function renew(request: SipRequest, presentity: string, match: string, seconds: number): Promise<string> {
    const all = await presenceDatastore.publicationsOf(presentity, PRESENCE_EVENT);
    const known = all.find((each) => isOfSip(each) && each.etag === match);
    if (known === undefined) throw refusal(412, 'Conditional Request Failed');
    const [id = '', number = '0'] = match.split('.');
    const etag = `${id}.${Number(number) + 1}`;
    if (seconds === 0) {
      await presenceDatastore.unpublish(presentity, PRESENCE_EVENT, known.source);
      counters.publishRemove.inc();
      return etag;
    }
    const isRefresh = request.body.length === 0;
    const document = isRefresh ? known.document : documentOf(request, presentity);
    await store(presentity, known.source, etag, document, seconds, isRefresh ? known.publishedAt : clock.now());
    (isRefresh ? counters.publishRefresh : counters.publishModify).inc();
    return etag;
  }

  async function store(
    presentity: string,
    source: string,
    etag: string,
    document: Pidf,
    seconds: number,
    publishedAt: number,
  ): Promise<void> {
    const publication: Publication = {
      presentity,
      event: PRESENCE_EVENT,
      source,
      kind: 'sip',
      sessionId: '',
      document,
      publishedAt,
      etag,
    };
    await presenceDatastore.publish(publication, seconds * 1_000);
  }
}

function isOfSip({ kind }: Publication): boolean {
  return kind === 'sip';
}

/** @throws SipError 400, 415 */
function documentOf(request: SipRequest, presentity: string): Pidf {
  const type = request.headers.get('content-type')?.value;
  const isEncoded = request.headers.has('content-encoding');
  if (type !== MEDIA.pidf || isEncoded) {
    throw refusal(
      415,
      'Unsupported Media Type',
      isEncoded ? { 'Accept-Encoding': 'identity' } : { Accept: MEDIA.pidf },
    );
  }
  const document = read(request.body);
  if (document.entity !== '' && entityOf(document.entity) !== presentity) {
    throw refusal(400, 'Entity of Another User');
  }
  return document;
}

function read(body: Buffer): Pidf {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    if (text.length > MAX_CHARACTERS) throw refusal(413, 'Request Entity Too Large');
    return readPidf(parseXml(text));
  } catch (error) {
    if (error instanceof PidfError || error instanceof XmlError || error instanceof TypeError) {
      throw refusal(400, 'Bad Presence Document', undefined, error);
    }
    throw error;
  }
}

/** COMPAT: clients write the entity without a scheme. */
function entityOf(entity: string): string | undefined {
  return addressOfUri(parseUri(/^[a-z]+:/i.test(entity) ? entity : `sip:${entity}`));
}
