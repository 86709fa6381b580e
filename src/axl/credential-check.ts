import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Ids } from '../ids/ids.ts';
import type { Clock } from '../platform/clock.ts';
import { describeError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { AxlClient } from './client.ts';
import { AxlError } from './errors.ts';

export type CredentialKind = 'enduser' | 'applicationuser';
export type CredentialVerdict = 'match' | 'mismatch' | 'unavailable';

/** Tells whether a name and a password belong together, by CUCM's judgement (docs/axl-client.md). */
export interface CredentialCheck {
  /** `unavailable`: CUCM is away and nothing is remembered that could tell. User ids are compared without case. */
  check(kind: CredentialKind, userid: string, password: string): Promise<CredentialVerdict>;
}

export interface CredentialCheckOptions {
  /** How long a match is remembered, and CUCM not asked. */
  readonly rememberMs: number;
  /** How long a stored verifier lets a user sign in while CUCM is away. */
  readonly verifierMs: number;
}

const DEFAULTS: CredentialCheckOptions = { rememberMs: 60_000, verifierMs: 7 * 24 * 60 * 60 * 1000 };
const MOST_REMEMBERED = 100_000;
/** 125 ms and 32 MiB each: more at once would starve file and name look-ups of pool threads. */
const MOST_AT_ONCE = 2;
/** Verifiers that wait to be made; beyond it they are left for the next sign-in. */
const MOST_WAITING = 1_000;
/** AXL's code for an object that does not exist. */
const NO_SUCH_USER = 5007;
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const KEY_BYTES = 32;

export interface CredentialCheckNeeds {
  readonly axl: AxlClient;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly options?: Partial<CredentialCheckOptions>;
}

/**
 * CUCM judges; a match is remembered for a minute by a keyed digest, and a salted scrypt verifier in the IDS lets users
 * sign in while CUCM is away. A mismatch is never remembered.
 */
export function createCredentialCheck(needs: CredentialCheckNeeds): CredentialCheck & AsyncDisposable {
  const { axl, ids, clock } = needs;
  const options = { ...DEFAULTS, ...needs.options };
  const log = needs.log.child({ subsystem: 'credentials' });
  const verdicts = needs.metrics.counter('imp_password_checks_total', 'Password checks', ['source', 'verdict']);
  // The key never leaves the process: what is remembered is worth nothing elsewhere.
  const key = randomBytes(32);
  const remembered = new LRUCache<string, { readonly digest: Buffer; readonly until: number }>({
    max: MOST_REMEMBERED,
  });
  const slots = createSlots(MOST_AT_ONCE);
  const writing = new Set<Promise<void>>();

  const derive = async (password: string, salt: Buffer): Promise<Buffer> => {
    using _slot = await slots.acquire();
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(password, salt, KEY_BYTES, SCRYPT, (error, derived) => (error ? reject(error) : resolve(derived)));
    });
  };

  const store = async (kind: CredentialKind, userid: string, password: string): Promise<void> => {
    const known = await ids.read
      .selectFrom('credentialverifier')
      .where('userid', '=', userid)
      .where('kind', '=', kind)
      .selectAll()
      .executeTakeFirst();
    // Renewed at half of its life, so that a busy user costs one derivation in days.
    const isFresh = known !== undefined && clock.now() - known.verifiedat < options.verifierMs / 2;
    const salt = isFresh ? Buffer.from(known.salt, 'base64') : randomBytes(16);
    const derived = await derive(password, salt);
    if (isFresh && timingSafeEqual(derived, Buffer.from(known.verifier, 'base64'))) return;
    const row = { salt: salt.toString('base64'), verifier: derived.toString('base64'), verifiedat: clock.now() };
    await ids.transaction('node', async (trx) => {
      await trx
        .insertInto('credentialverifier')
        .values({ userid, kind, ...row })
        .onConflict((conflict) => conflict.columns(['userid', 'kind']).doUpdateSet(row))
        .execute();
    });
  };

  const storeLater = (kind: CredentialKind, userid: string, password: string): void => {
    if (writing.size >= MOST_WAITING) return;
    const task = store(kind, userid, password).catch((error: unknown) => {
      log.warn({ err: describeError(error) }, 'a password verifier could not be stored');
    });
    writing.add(task);
    void task.then(() => writing.delete(task));
  };

  const verify = async (kind: CredentialKind, userid: string, password: string): Promise<CredentialVerdict> => {
    const known = await ids.read
      .selectFrom('credentialverifier')
      .where('userid', '=', userid)
      .where('kind', '=', kind)
      .selectAll()
      .executeTakeFirst();
    if (!known || clock.now() - known.verifiedat > options.verifierMs) return 'unavailable';
    const derived = await derive(password, Buffer.from(known.salt, 'base64'));
    // A password that does not match may be a new one that we have not seen: only CUCM could tell.
    return timingSafeEqual(derived, Buffer.from(known.verifier, 'base64')) ? 'match' : 'unavailable';
  };

  return {
    async check(kind, userid, password) {
      if (password === '' || userid === '') return 'mismatch';
      const name = userid.toLowerCase();
      const slot = `${kind}/${name}`;
      const digest = createHmac('sha256', key).update(slot).update('\0').update(password).digest();
      const known = remembered.get(slot);
      if (known && known.until > clock.monotonic() && timingSafeEqual(known.digest, digest)) {
        verdicts.inc({ source: 'remembered', verdict: 'match' });
        return 'match';
      }
      try {
        const isMatch =
          kind === 'enduser'
            ? await axl.authenticateUser(userid, password)
            : await axl.authenticateApplicationUser(userid, password);
        verdicts.inc({ source: 'cucm', verdict: isMatch ? 'match' : 'mismatch' });
        if (!isMatch) return 'mismatch';
        remembered.set(slot, { digest, until: clock.monotonic() + options.rememberMs });
        storeLater(kind, name, password);
        return 'match';
      } catch (error) {
        // CUCM knows no such user: as wrong as a wrong password. Any other fault is CUCM's trouble, not the user's.
        if (error instanceof AxlError && error.code === 'axl.fault' && error.axlCode === NO_SUCH_USER) {
          verdicts.inc({ source: 'cucm', verdict: 'mismatch' });
          return 'mismatch';
        }
        log.warn({ err: describeError(error) }, 'CUCM cannot check passwords');
        const verdict = await verify(kind, name, password);
        verdicts.inc({ source: 'verifier', verdict });
        return verdict;
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(writing);
    },
  };
}

interface Slots {
  acquire(): Promise<Disposable>;
}

function createSlots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    async acquire() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      return {
        [Symbol.dispose]: () => {
          const next = waiting.shift();
          if (next) next();
          else free += 1;
        },
      };
    },
  };
}
