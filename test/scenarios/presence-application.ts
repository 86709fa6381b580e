import { type CallbackReceiver, openReceiver } from '../services/presence-web-service/callback-receiver.ts';
import { at, NS, type PwsWorld, statesOf } from '../services/presence-web-service/pws-world.ts';

/** What an application does at the Presence Web Service, by either of its faces. */
export interface PresenceFace {
  /** Key of an application user. */
  signInApplication(user: string): Promise<string>;
  /** Key of an end user whom the application signs in. */
  signIn(user: string, applicationKey: string): Promise<string>;
  register(applicationKey: string, url: string): Promise<number>;
  subscribe(key: string, user: string, endPoint: number, contacts: readonly string[]): Promise<number>;
  /** Basic states of a subscription's contacts, in the order in which they were added. */
  fetch(key: string, user: string, subscription: number): Promise<readonly string[]>;
}

export function restFace(world: PwsWorld): PresenceFace {
  return {
    signInApplication: world.signInApplication,
    signIn: world.signIn,
    register: world.register,
    subscribe: world.subscribe,
    async fetch(key, user, subscription) {
      const path = `/users/${user}/presence/basic/subscriptions/${subscription}`;
      return statesOf((await world.rest('GET', path, { key })).text);
    },
  };
}

export function soapFace(world: PwsWorld): PresenceFace {
  const ask = async (operation: string, content: string, key?: string) => {
    const payload = `<${operation} xmlns="${NS}">${content}</${operation}>`;
    return await world.soap(payload, key === undefined ? {} : { key });
  };
  const sessionKey = async (content: string): Promise<string> => {
    const { payload, text } = await ask('login', content);
    const key = at(payload, 'success', 'session-key');
    if (key === undefined) throw new Error(`no session key in ${text}`);
    return key;
  };
  const id = async (name: string, operation: string, content: string, key: string): Promise<number> => {
    const { payload, text } = await ask(operation, content, key);
    const said = at(payload, name);
    if (said === undefined) throw new Error(`no ${name} in ${text}`);
    return Number(said);
  };
  return {
    signInApplication: (user) => sessionKey(`<username>${user}</username><password>secret</password>`),
    signIn: (user, key) => sessionKey(`<username>${user}</username><app-session-id>${key}</app-session-id>`),
    register: (key, url) => {
      const content = `<url>${url}</url><endPointID>0</endPointID><expiration>86400</expiration>`;
      return id('endPointID', 'registerEndPoint', content, key);
    },
    subscribe: (key, _user, endPoint, contacts) => {
      const list = contacts.map((uri) => `<contact contactURI="${uri}"/>`).join('');
      const content = `<contactsList>${list}</contactsList><subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><expiration>3600</expiration><endPointID>${endPoint}</endPointID><subscriptionID>0</subscriptionID>`;
      return id('subscriptionID', 'subscribe', content, key);
    },
    async fetch(key, _user, subscription) {
      const content = `<subscriptionID>${subscription}</subscriptionID><presenceType>BASIC_PRESENCE</presenceType>`;
      return statesOf((await ask('getSubscribedPresence', content, key)).text);
    },
  };
}

interface Subscribed {
  readonly user: string;
  readonly key: string;
  /** How often it has been called. */
  calls: number;
  /** What each fetch after a call said. */
  readonly fetched: (readonly string[])[];
}

/**
 * An application with an endpoint of its own that subscribes for many users and, whenever it is called for a
 * subscription, answers and then fetches it: one fetch after the other, as a simple application does.
 */
export class PresenceApplication implements AsyncDisposable {
  readonly receiver: CallbackReceiver;
  /** By the subscription's id. */
  readonly subscriptions = new Map<number, Subscribed>();
  readonly #face: PresenceFace;
  /** Calls for ids that it has not been told yet: the first may overtake the answer to `subscribe`. */
  readonly #early: number[] = [];
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #failure: unknown;

  private constructor(face: PresenceFace, receiver: CallbackReceiver) {
    this.#face = face;
    this.receiver = receiver;
    receiver.answer((response) => {
      response.end();
      this.#called(Number(new URL(String(response.req.url), receiver.url).searchParams.get('id')));
    });
  }

  /** Signs in, registers, and subscribes each user to its contacts. */
  static async open(
    face: PresenceFace,
    applicationUser: string,
    contactsOf: ReadonlyMap<string, readonly string[]>,
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<PresenceApplication> {
    const application = new PresenceApplication(face, await openReceiver(tls));
    const applicationKey = await face.signInApplication(applicationUser);
    const endPoint = await face.register(applicationKey, application.receiver.url);
    for (const [user, contacts] of contactsOf) {
      const key = await face.signIn(user, applicationKey);
      const id = await face.subscribe(key, user, endPoint, contacts);
      application.subscriptions.set(id, { user, key, calls: 0, fetched: [] });
      for (const early of application.#early.splice(0)) application.#called(early);
    }
    return application;
  }

  /** Everything that it was called for so far has been fetched. @throws what a fetch threw */
  get isIdle(): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#waiting === 0 && this.#early.length === 0;
  }

  get calls(): number {
    let calls = 0;
    for (const each of this.subscriptions.values()) calls += each.calls;
    return calls;
  }

  #called(id: number): void {
    const subscribed = this.subscriptions.get(id);
    if (!subscribed) {
      this.#early.push(id);
      return;
    }
    subscribed.calls += 1;
    this.#waiting += 1;
    const { user, key } = subscribed;
    this.#work = this.#work.then(async () => {
      try {
        subscribed.fetched.push(await this.#face.fetch(key, user, id));
      } catch (error) {
        this.#failure ??= error;
      }
      this.#waiting -= 1;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.receiver[Symbol.asyncDispose]();
    await this.#work;
  }
}
