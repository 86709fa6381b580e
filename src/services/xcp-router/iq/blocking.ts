import { randomUUID } from 'node:crypto';
import type { Ids } from '../../../ids/ids.ts';
import { attribute, elements, type XmlElement } from '../../../xml/element.ts';
import { addressOfJid, el, iq, type Jid, jidOfAddress, NS, parseJid, StanzaError } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqRequest, LocalUser } from '../components/component.ts';
import type { Account, Accounts } from '../sessions/account.ts';

export interface BlockingNeeds {
  readonly ids: Ids;
  readonly accounts: Accounts;
  readonly keepAtMost: number;
  /** The rules have changed: whoever sees the user by them is looked at again. */
  readonly rulesChanged: (user: LocalUser) => Promise<void>;
}

/** Most addresses that a user may block. */
const MOST = 1_000;

/** Blocking (XEP-0191): the denials of the user's access control list, which the Client Profile Agent shows too. */
export function createBlocking(needs: BlockingNeeds) {
  const { ids, accounts, keepAtMost } = needs;

  const read = async (user: LocalUser): Promise<ReadonlySet<string>> => {
    const rows = await ids.read
      .selectFrom('peuriacl')
      .select(['watcher', 'type'])
      .where('fkenduser', '=', user.pkid)
      .where('policy', '=', 'deny')
      .execute();
    const blocked = rows.map(({ watcher, type }) => (type === 'domain' ? watcher : jidOfAddress(watcher)?.bare));
    return new Set(blocked.filter((each) => each !== undefined));
  };

  const push = (account: Account, what: 'block' | 'unblock', blocked: readonly string[]): void => {
    if (blocked.length === 0) return;
    const said = el(NS.blocking, what, {}, ...blocked.map(writeItem));
    for (const session of account.sessions.values()) {
      if (session.hasBlockList) {
        session.deliver(iq({ type: 'set', id: randomUUID(), to: session.jid }, said), keepAtMost);
      }
    }
  };

  /** Tells clients that asked for the list what is different from what they know. */
  const compare = async (account: Account): Promise<void> => {
    const before = account.blocked;
    if (before === undefined) return;
    const after = await read(account.user);
    account.blocked = after;
    push(
      account,
      'block',
      [...after].filter((each) => !before.has(each)),
    );
    push(
      account,
      'unblock',
      [...before].filter((each) => !after.has(each)),
    );
  };
  /** One comparison at a time per account: nothing is told twice. */
  const turns = new WeakMap<Account, Promise<void>>();
  const changed = (account: Account): Promise<void> => {
    const own = (turns.get(account) ?? Promise.resolve()).then(() => compare(account));
    turns.set(
      account,
      own.catch(() => undefined),
    );
    return own;
  };

  const done = async (owner: LocalUser): Promise<null> => {
    const account = accounts.find(owner.jid.bare);
    if (account) await changed(account);
    await needs.rulesChanged(owner);
    return null;
  };

  const list = async ({ from, owner }: IqRequest): Promise<XmlElement> => {
    const account = owner && accounts.find(owner.jid.bare);
    if (account === undefined) return el(NS.blocking, 'blocklist');
    account.blocked = await read(account.user);
    const session = account.sessions.get(from.resource ?? '');
    if (session) session.hasBlockList = true;
    return el(NS.blocking, 'blocklist', {}, ...[...account.blocked].map(writeItem));
  };

  const block = async ({ payload, owner }: IqRequest): Promise<null> => {
    const jids = itemsOf(payload);
    if (jids.length === 0 || owner === undefined) throw new StanzaError('bad-request', 'nobody is named');
    await ids.transaction('client', async (trx) => {
      for (const jid of jids) {
        if (jid.bare === owner.jid.bare) throw new StanzaError('not-allowed', 'this is your own address');
        const type = jid.local === null ? 'domain' : 'user';
        await trx
          .insertInto('peuriacl')
          .values({ fkenduser: owner.pkid, watcher: addressOfJid(jid), type, policy: 'deny' })
          .onConflict((conflict) => conflict.columns(['fkenduser', 'type', 'watcher']).doUpdateSet({ policy: 'deny' }))
          .execute();
      }
      const { count } = await trx
        .selectFrom('peuriacl')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .where('fkenduser', '=', owner.pkid)
        .executeTakeFirstOrThrow();
      if (Number(count) > MOST) throw new StanzaError('not-allowed', 'too many are blocked already');
    });
    return await done(owner);
  };

  const unblock = async ({ payload, owner }: IqRequest): Promise<null> => {
    const watchers = itemsOf(payload).map(addressOfJid);
    if (owner === undefined) return null;
    await ids.transaction('client', async (trx) => {
      const denials = trx.deleteFrom('peuriacl').where('fkenduser', '=', owner.pkid).where('policy', '=', 'deny');
      // Nobody named: everybody (XEP-0191 3.4).
      await (watchers.length === 0 ? denials : denials.where('watcher', 'in', watchers)).execute();
    });
    return await done(owner);
  };

  const common = { target: 'account', namespace: NS.blocking } as const;
  const requests: readonly IqHandler[] = [
    { ...common, local: 'blocklist', type: 'get', handle: list },
    { ...common, local: 'block', type: 'set', handle: block },
    { ...common, local: 'unblock', type: 'set', handle: unblock },
  ];
  return { requests, changed };
}

export type Blocking = ReturnType<typeof createBlocking>;

function writeItem(jid: string): XmlElement {
  return el(NS.blocking, 'item', { jid });
}

function itemsOf(payload: XmlElement): readonly Jid[] {
  return elements(payload, 'item', NS.blocking).map((item) => {
    const jid = parseJid(attribute(item, 'jid') ?? '');
    if (jid.resource !== null) throw new StanzaError('not-acceptable', 'whole accounts and domains can be blocked');
    return jid;
  });
}
