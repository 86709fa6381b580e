import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { ClientSession, LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import { unpublishSession } from './actions/set-presence.ts';
import type { Registrations } from './pools/registrations.ts';

export interface SessionEndsNeeds {
  readonly loginDatastore: LoginDatastore;
  readonly presenceDatastore: PresenceDatastore;
  readonly registrations: Registrations;
  readonly log: Log;
}

/** Ends what hangs on sessions when they end: endpoints, subscriptions, and the presence that was set. */
export class SessionEnds {
  readonly #needs: SessionEndsNeeds;
  /** Sessions that have set presence; those whose publications have expired may stand among them. */
  readonly #publishers = new Set<string>();
  readonly #running = new Set<Promise<void>>();

  constructor(needs: SessionEndsNeeds) {
    this.#needs = needs;
  }

  /** To be called when a session sets presence. */
  hasPublished(session: ClientSession): void {
    this.#publishers.add(session.id);
  }

  ended({ id }: Pick<ClientSession, 'id'>): void {
    this.#needs.registrations.endOfSession(id);
    if (!this.#publishers.delete(id)) return;
    const task = unpublishSession(this.#needs, id).catch((error: unknown) => {
      this.#needs.log.warn({ err: describeError(error) }, 'presence of an ended session could not be taken back');
    });
    this.#running.add(task);
    void task.then(() => this.#running.delete(task));
  }

  /** Ends what hangs on sessions that are gone: after a time in which nobody told. */
  async check(): Promise<void> {
    const alive = new Set<string>();
    for await (const { id } of this.#needs.loginDatastore.sessions()) alive.add(id);
    for (const id of new Set([...this.#needs.registrations.sessionIds(), ...this.#publishers])) {
      if (!alive.has(id)) this.ended({ id });
    }
    await this.settled();
  }

  /** Resolves when what has been told so far is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }
}
