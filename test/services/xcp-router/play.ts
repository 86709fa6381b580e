import assert from 'node:assert/strict';
import type { XmlElement } from '../../../src/xml/element.ts';
import { elements, textOf } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { serialise } from '../../../src/xml/serialise.ts';
import { openRouterWorld, pkidOf, type RouterWorld, type TestClient } from './router-world.ts';

/**
 * A play: who connects, what they send, and what they must receive. Lines:
 *
 *   # RFC 6121 8.5.2.1.1: what is proved (the first line)
 *   option NAME VALUE             of the router, before anything else; `guest.NAME`: of the guest
 *   ADDRESS connects | leaves | breaks | resumes after N
 *   ADDRESS is here               connects, asks for the contact list, sends presence; forgets what it got by it
 *   ADDRESS sends                 the indented XML after it
 *   ADDRESS gets                  one stanza like the indented XML, among those not told yet
 *   ADDRESS gets nothing          nothing is left
 *   ADDRESS gets no message       (or presence, iq) none is left
 *   ADDRESS is ended CONDITION    by a stream error
 *   everybody forgets             what is left
 *   SOAP USER adds CONTACT in GROUP | drops CONTACT | blocks CONTACT | unblocks CONTACT
 *   USER moves to imp2
 *   SECONDS pass
 *   the router restarts
 *   the guest restarts
 *
 * A stanza is like another when it has its attributes, children and texts; it may have more. `{any}` is like any value.
 */
export interface Play {
  readonly title: string;
  readonly steps: readonly Step[];
}

interface Step {
  readonly line: number;
  readonly words: string;
  readonly xml: string;
}

export function parsePlay(text: string): Play {
  const lines = text.split('\n');
  const title = lines[0]?.replace(/^#\s*/, '') ?? '';
  const steps: { line: number; words: string; xml: string }[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#') || line.trim() === '') continue;
    if (/^\s/.test(line)) {
      const last = steps.at(-1);
      if (last) last.xml += `${line.trim()}\n`;
    } else steps.push({ line: index + 1, words: line.trim(), xml: '' });
  }
  return { title, steps };
}

/** Another service on the stage, beside the router. */
export type Guest = (world: RouterWorld, options: Readonly<Record<string, unknown>>) => Promise<OpenGuest>;
export interface OpenGuest extends AsyncDisposable {
  restart(): Promise<void>;
}

export async function runPlay({ steps }: Play, guest?: Guest): Promise<void> {
  const options: Record<string, unknown> = {};
  const guestOptions: Record<string, unknown> = {};
  const acts = steps.filter(({ words }) => {
    const [what, name, value] = words.split(' ');
    if (what !== 'option') return true;
    const of = name?.startsWith('guest.') ? guestOptions : options;
    of[name?.replace('guest.', '') ?? ''] = value === 'true' ? true : Number(value);
    return false;
  });
  await using world = await openRouterWorld(options);
  await using opened = await guest?.(world, guestOptions);
  const stage = new Stage(world, opened);
  for (const step of acts) {
    try {
      await stage.perform(step.words, step.xml);
      await world.settle();
    } catch (error) {
      throw new Error(`line ${step.line}: ${step.words}: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    assert.deepEqual(world.failures, [], `line ${step.line}: ${step.words}`);
  }
}

class Stage {
  readonly #world: RouterWorld;
  readonly #guest: OpenGuest | undefined;
  readonly #clients = new Map<string, TestClient>();

  constructor(world: RouterWorld, guest: OpenGuest | undefined) {
    this.#world = world;
    this.#guest = guest;
  }

  async perform(words: string, xml: string): Promise<void> {
    const [who = '', verb = '', ...rest] = words.split(' ');
    if (words === 'everybody forgets') for (const client of this.#clients.values()) client.received.length = 0;
    else if (words === 'the router restarts') {
      await this.#world.stop();
      await this.#world.start();
    } else if (words === 'the guest restarts') await this.#guest?.restart();
    else if (who === 'SOAP') await this.#overSoap(verb, rest);
    else if (verb === 'pass') await this.#world.clock.advance(Number(who) * 1_000);
    else if (verb === 'moves') await this.#move(who);
    else if (verb === 'connects') await this.#connect(who);
    else if (verb === 'is' && rest[0] === 'here') await this.#arrive(who);
    else if (verb === 'is') assert.equal(this.#client(who).ended?.condition, rest[1]);
    else if (verb === 'sends') this.#client(who).send(within(xml));
    else if (verb === 'gets') this.#gets(who, rest, xml);
    else if (verb === 'leaves') this.#client(who).close();
    else if (verb === 'breaks') this.#client(who).close(false);
    else if (verb === 'resumes') await this.#resume(who, Number(rest[1]));
    else throw new Error('nobody knows what that means');
  }

  #client(name: string): TestClient {
    return this.#clients.get(name) ?? assert.fail(`${name} is not on the stage`);
  }

  async #connect(name: string): Promise<void> {
    const [user, resource] = name.split('/');
    const client = this.#world.client(`${user}@acme.example/${resource}`);
    this.#clients.set(name, client);
    await client.connect();
  }

  async #arrive(name: string): Promise<void> {
    await this.#connect(name);
    const client = this.#client(name);
    client.send(within("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"));
    client.send(within('<presence/>'));
    await this.#world.settle();
    for (const each of this.#clients.values()) each.received.length = 0;
  }

  async #resume(name: string, handled: number): Promise<void> {
    const before = this.#client(name);
    const client = this.#world.client(before.jid.full);
    await client.resume(before, handled);
    this.#clients.set(name, client);
  }

  #gets(name: string, rest: readonly string[], xml: string): void {
    const { received } = this.#client(name);
    const left = (): string => received.map((each) => serialise(each)).join('\n') || '(nothing)';
    if (rest[0] === 'nothing') assert.equal(received.length, 0, `got\n${left()}`);
    else if (rest[0] === 'no') {
      assert.equal(received.filter(({ local }) => local === rest[1]).length, 0, `got\n${left()}`);
    } else {
      const wanted = parseXml(within(xml));
      const found = received.findIndex((each) => isLike(each, wanted));
      assert.ok(found >= 0, `got\n${left()}`);
      received.splice(found, 1);
    }
  }

  async #overSoap(user: string, [what = '', contact = '', , group = 'Friends']: readonly string[]): Promise<void> {
    const fkenduser = pkidOf(user);
    const place = { contactuser: contact, contactdomain: 'acme.example' };
    await this.#world.write(async (trx) => {
      if (what === 'adds') {
        const [fkrostergroup, fkrosteritem] = [`group-${group}`, `item-${user}-${contact}`];
        await trx
          .insertInto('rostergroup')
          .values({ pkid: fkrostergroup, fkenduser, name: group, position: 0 })
          .execute();
        const item = { nickname: '', presenceaware: 1, subscription: 'none', ask: 1 };
        await trx
          .insertInto('rosteritem')
          .values({ pkid: fkrosteritem, fkenduser, ...place, ...item })
          .execute();
        await trx.insertInto('rosteritemgroup').values({ fkrosteritem, fkrostergroup, position: 0 }).execute();
      } else if (what === 'drops') {
        const items = trx.selectFrom('rosteritem').select('pkid').where('fkenduser', '=', fkenduser);
        await trx.deleteFrom('rosteritemgroup').where('fkrosteritem', 'in', items).execute();
        await trx
          .deleteFrom('rosteritem')
          .where('fkenduser', '=', fkenduser)
          .where('contactuser', '=', contact)
          .execute();
      } else if (what === 'blocks') {
        const entry = { watcher: `${contact}@acme.example`, type: 'user', policy: 'deny' } as const;
        await trx
          .insertInto('peuriacl')
          .values({ fkenduser, ...entry })
          .execute();
      } else if (what === 'unblocks') {
        await trx.deleteFrom('peuriacl').where('fkenduser', '=', fkenduser).execute();
      } else if (what === 'asks') {
        const value = { fkenduser, name: 'Privacy.Internal', value: 'ask' };
        await trx.insertInto('enduserproperty').values(value).execute();
      } else throw new Error('nobody knows what that means');
    });
  }

  async #move(user: string): Promise<void> {
    await this.#world.write((trx) =>
      trx.updateTable('enduser').set({ primarynodeid: 2 }).where('pkid', '=', pkidOf(user)).execute(),
    );
  }
}

/** Plays write stanzas without their namespace. */
function within(xml: string): string {
  return xml.trim().replace(/^<(message|presence|iq)(?=[\s/>])(?![^>]*\sxmlns=)/, "<$1 xmlns='jabber:client'");
}

function isLike(found: XmlElement, wanted: XmlElement): boolean {
  if (found.local !== wanted.local || found.uri !== wanted.uri) return false;
  for (const { local, uri, value } of wanted.attributes) {
    const other = found.attributes.find((each) => each.local === local && each.uri === uri)?.value;
    if (value === '{none}' ? other !== undefined : other === undefined || (value !== '{any}' && other !== value)) {
      return false;
    }
  }
  const children = elements(wanted);
  const text = textOf(wanted).trim();
  if (children.length === 0 && text !== '' && text !== '{any}' && textOf(found).trim() !== text) return false;
  const left = [...elements(found)];
  for (const child of children) {
    const place = left.findIndex((each) => isLike(each, child));
    if (place < 0) return false;
    left.splice(place, 1);
  }
  return true;
}
