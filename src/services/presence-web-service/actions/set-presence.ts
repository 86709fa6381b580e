import { PidfError } from '../../../pidf/errors.ts';
import { NOBODY, type Pidf } from '../../../pidf/pidf.ts';
import { readPidf } from '../../../pidf/read-pidf.ts';
import { activityOf, BASIC_STATES, stateOfActivities } from '../../../presence/basic-state.ts';
import { PRESENCE_EVENT, type Publication } from '../../../presence/publication.ts';
import type { XmlElement } from '../../../xml/element.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { PwsFault } from '../errors.ts';
import { SOURCE_TEXT, TUPLE } from '../names.ts';
import type { ActionNeeds } from '../needs.ts';
import { expiryMs } from './expiry.ts';
import { addressOf, requireAlive } from './session.ts';

export interface SetPresenceRequest {
  readonly info:
    | { readonly kind: 'basic'; readonly state: string }
    /** The `presence` element. */
    | { readonly kind: 'rich'; readonly root: XmlElement };
  readonly override: boolean;
  /** Seconds. */
  readonly expiration: number | undefined;
}

/** Source of the one override that a user can have. */
const OVERRIDE_SOURCE = TUPLE.override;
/** An activity that takes the override back. */
const CLEAR = 'clear';
const CLEARING_IDS: readonly string[] = ['pws-override', 'pws_override'];

/**
 * Publishes the caller's presence: with override in place of what the devices say, without as one more client.
 * @throws PwsFault 103, 115, 120, 121, 122, 131, 161, 162
 */
export async function setPresence(
  needs: ActionNeeds,
  session: ClientSession,
  request: SetPresenceRequest,
): Promise<void> {
  const { presenceDatastore, clock } = needs;
  const presentity = await addressOf(needs, session);
  const { override } = request;
  const document =
    request.info.kind === 'basic'
      ? basicDocument(presentity, request.info.state, override)
      : richDocument(request.info.root);
  if (request.info.kind === 'rich') {
    checkEntity(document, [
      presentity,
      `${session.userid.toLowerCase()}${presentity.slice(presentity.lastIndexOf('@'))}`,
    ]);
    if (!override && isClearing(document)) {
      await presenceDatastore.unpublish(presentity, PRESENCE_EVENT, OVERRIDE_SOURCE);
      return;
    }
    checkRich(document, override);
  }
  const lifeMs = expiryMs(request.expiration);
  const isPersistent = override && document.tuples.some(({ id }) => id === TUPLE.persistent);
  const publication: Publication = {
    presentity,
    event: PRESENCE_EVENT,
    source: override ? OVERRIDE_SOURCE : `${TUPLE.basic}/${session.id}`,
    kind: override ? 'override' : 'client',
    sessionId: isPersistent ? '' : session.id,
    document,
    publishedAt: clock.now(),
  };
  await presenceDatastore.publish(publication, lifeMs);
  if (!isPersistent) needs.sessionEnds.hasPublished(session);
  await requireAlive(needs, session);
}

/** Takes back what a session has published. */
export async function unpublishSession(
  { presenceDatastore }: Pick<ActionNeeds, 'presenceDatastore'>,
  sessionId: string,
): Promise<void> {
  for (const { presentity, event, source } of await presenceDatastore.publicationsOfSession(sessionId)) {
    await presenceDatastore.unpublish(presentity, event, source);
  }
}

function basicDocument(presentity: string, word: string, override: boolean): Pidf {
  if (word === '') throw new PwsFault('noBasicPresence');
  const state = BASIC_STATES.find((each) => each === word);
  if (!state) throw new PwsFault('cannotSet', 'the state is unknown');
  if (state === 'AVAILABLE' && override) throw new PwsFault('availableOverride');
  if (state === 'DND' && !override) throw new PwsFault('dndNoOverride');
  return {
    entity: `sip:${presentity}`,
    person: {
      ...NOBODY,
      id: presentity.slice(0, presentity.lastIndexOf('@')),
      activities: [activityOf(state)],
      class: override ? 'manual' : '',
    },
    tuples: [
      {
        id: override ? TUPLE.override : TUPLE.basic,
        basic: state === 'UNAVAILABLE' ? 'closed' : 'open',
        contact: { uri: `sip:${presentity}`, priority: '' },
        abilities: [],
        userInput: '',
        source: SOURCE_TEXT,
        note: '',
      },
    ],
  };
}

function richDocument(root: XmlElement): Pidf {
  try {
    return readPidf(root);
  } catch (error) {
    if (!(error instanceof PidfError)) throw error;
    const isOther = error.code === 'pidf.not-presence';
    throw new PwsFault(isOther ? 'wrongRoot' : 'cannotSet', isOther ? undefined : error.message, { cause: error });
  }
}

/** The document must speak of the caller, with or without `sip:`. */
function checkEntity({ entity }: Pidf, own: readonly string[]): void {
  const address = entity.replace(/^sips?:/i, '').toLowerCase();
  if (!own.includes(address)) throw new PwsFault('cannotSet', 'the entity is not the signed-in user');
}

function isClearing({ person, tuples }: Pidf): boolean {
  if (!person?.activities.includes(CLEAR)) return false;
  return tuples.every(({ id }) => CLEARING_IDS.includes(id.toLowerCase()));
}

function checkRich({ person, tuples }: Pidf, override: boolean): void {
  const activities = person?.activities ?? [];
  if (activities.length > 0 && stateOfActivities(activities) === undefined) {
    throw new PwsFault('cannotSet', 'none of the activities is known');
  }
  if (override) {
    const areFit = tuples.every(({ id }) => id === TUPLE.override || id === TUPLE.persistent);
    if (tuples.length === 0 || !areFit) throw new PwsFault('badTupleId');
  } else if (tuples.length === 0 || tuples.some(({ source }) => source !== SOURCE_TEXT)) {
    throw new PwsFault('badSource');
  }
}
