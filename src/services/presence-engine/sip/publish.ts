import { createTurns } from '../../../datastore/turns.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { Pidf } from '../../../pidf/pidf.ts';
import type { Clock } from '../../../platform/clock.ts';
import { PRESENCE_EVENT, type Publication } from '../../../presence/publication.ts';
import { grantExpiry } from '../../../sip/dialog/subscription.ts';
import { refusal } from '../../../sip/errors.ts';
import { requestUri, type SipRequest } from '../../../sip/message/message.ts';
import { randomText } from '../../../sip/random-text.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { EngineCounters } from '../counters.ts';
import type { PresenceEngineOptions } from '../options.ts';
import type { Residents } from '../watching/residents.ts';
import { addressOfUri, speakerOf } from './addresses.ts';
import type { CucmServers } from './cucm-servers.ts';
import { DIALOG_EVENT, eventOf } from './events.ts';
import { lineOwners } from './line-owners.ts';
import { documentOf, phoneDocumentOf } from './publish-document.ts';

export interface PublisherNeeds {
  readonly ids: Ids;
  readonly presenceDatastore: PresenceDatastore;
  readonly residents: Residents;
  readonly cucm: CucmServers;
  readonly clock: Clock;
  readonly counters: EngineCounters;
  readonly options: PresenceEngineOptions;
  /** The longest life of a publication, in seconds. */
  readonly maxSeconds: () => number;
}

/** Who publishes, and of whom. */
interface Author {
  readonly kind: 'sip' | 'phone';
  /** In the datastore a source is this and the publication's id. */
  readonly prefix: 'sip:' | 'phone/';
  /** Bare addresses: a user of himself; CUCM of everybody whose line it is. */
  readonly presentities: readonly string[];
  documentOf(request: SipRequest, presentity: string): Pidf;
}

/**
 * Event state publication (RFC 3903): each publication is a row of the Presence Datastore for each user it is about, and
 * its entity tag is `<id>.<number>` with a number that every 2xx moves on. Users publish of themselves, CUCM of phones.
 * Requests for one address are taken one after the other.
 */
export function createPublisher(needs: PublisherNeeds): (transaction: ServerTransaction) => Promise<void> {
  const { presenceDatastore, residents, clock, counters, options } = needs;
  const inTurn = createTurns();

  return async (transaction) => {
    const { request } = transaction;
    const author = await authorOf(transaction);
    const seconds = grantExpiry(request.headers.get('expires'), {
      minSeconds: options.minExpirySeconds,
      maxSeconds: needs.maxSeconds(),
      defaultSeconds: needs.maxSeconds(),
    });
    if (seconds === 'too-brief') {
      throw refusal(423, 'Interval Too Brief', { 'Min-Expires': String(options.minExpirySeconds) });
    }
    const match = request.headers.get('sip-if-match');
    const etag = await inTurn(addressOfUri(requestUri(request)) ?? '', () =>
      match === undefined ? initial(request, author, seconds) : renew(request, author, match, seconds),
    );
    transaction.reply(200, {
      headers: [
        ['SIP-ETag', etag],
        ['Expires', String(seconds)],
      ],
    });
  };

  async function authorOf(transaction: ServerTransaction): Promise<Author> {
    const { request } = transaction;
    const uri = requestUri(request);
    if (needs.cucm.isSender(transaction)) {
      eventOf(request, [PRESENCE_EVENT, DIALOG_EVENT]);
      const { counted } = await lineOwners(needs.ids, residents, uri);
      const phone = (presentity: string): Pidf => ({ entity: `sip:${presentity}`, ...phoneDocumentOf(request) });
      return { kind: 'phone', prefix: 'phone/', presentities: counted, documentOf: (_, each) => phone(each) };
    }
    eventOf(request, [PRESENCE_EVENT]);
    const presentity = addressOfUri(uri);
    if (presentity === undefined) throw refusal(404, 'Not Found');
    await residents.require(presentity);
    if (speakerOf(request) !== presentity) throw refusal(403, 'Only for Oneself');
    return { kind: 'sip', prefix: 'sip:', presentities: [presentity], documentOf };
  }

  async function initial(request: SipRequest, author: Author, seconds: number): Promise<string> {
    if (request.body.length === 0) throw refusal(400, 'Missing Body');
    const id = randomText(12);
    const etag = `${id}.1`;
    const documents = author.presentities.map((each) => author.documentOf(request, each));
    for (const [place, presentity] of author.presentities.entries()) {
      // A life of nothing is over at once; it is still a publication that was taken.
      if (seconds === 0) break;
      const all = await presenceDatastore.publicationsOf(presentity, PRESENCE_EVENT);
      if (all.filter(isOf(author)).length >= options.publicationsPerUser) throw refusal(403, 'Too Many Publications');
      await store(author, presentity, id, etag, documents[place] as Pidf, seconds, clock.now());
    }
    counters.publishInitial.inc();
    return etag;
  }

  async function renew(request: SipRequest, author: Author, match: string, seconds: number): Promise<string> {
    const [id = '', number = '0'] = match.split('.');
    const known: Publication[] = [];
    for (const presentity of author.presentities) {
      const all = await presenceDatastore.publicationsOf(presentity, PRESENCE_EVENT);
      known.push(...all.filter((each) => isOf(author)(each) && each.etag === match));
    }
    if (known.length === 0 || known.length < author.presentities.length) {
      // Of a line that has got another owner since, CUCM is to say everything anew.
      for (const { presentity, source } of known) await presenceDatastore.unpublish(presentity, PRESENCE_EVENT, source);
      throw refusal(412, 'Conditional Request Failed');
    }
    const etag = `${id}.${Number(number) + 1}`;
    const isRefresh = request.body.length === 0;
    const documents = known.map(({ presentity, document }) =>
      isRefresh || seconds === 0 ? document : author.documentOf(request, presentity),
    );
    for (const [place, { presentity, source, publishedAt }] of known.entries()) {
      if (seconds === 0) await presenceDatastore.unpublish(presentity, PRESENCE_EVENT, source);
      else {
        const at = isRefresh ? publishedAt : clock.now();
        await store(author, presentity, id, etag, documents[place] as Pidf, seconds, at);
      }
    }
    if (seconds === 0) counters.publishRemove.inc();
    else (isRefresh ? counters.publishRefresh : counters.publishModify).inc();
    return etag;
  }

  async function store(
    { kind, prefix }: Author,
    presentity: string,
    id: string,
    etag: string,
    document: Pidf,
    seconds: number,
    publishedAt: number,
  ): Promise<void> {
    const publication: Publication = {
      presentity,
      event: PRESENCE_EVENT,
      source: `${prefix}${id}`,
      kind,
      sessionId: '',
      document,
      publishedAt,
      etag,
    };
    await presenceDatastore.publish(publication, seconds * 1_000);
  }
}

/** What it has published itself: phones tell of do not disturb in another way. */
function isOf({ kind }: Author): (publication: Publication) => boolean {
  return (publication) => publication.kind === kind && publication.etag !== undefined;
}
