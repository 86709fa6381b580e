/**
 * The Presence Web Service over plain HTTP in one process with its client: what reading presence costs for a contact,
 * and how soon all applications have been called after one change. Ratios of one run.
 */
import { openReceiver } from '../test/services/presence-web-service/callback-receiver.ts';
import { BASE, DOMAIN, envelope, NS, openPwsWorld } from '../test/services/presence-web-service/pws-world.ts';

const ROUNDS = 40;
const SUBSCRIPTIONS = 1_000;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function timed(task: () => Promise<unknown>, rounds = ROUNDS): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await task();
    times.push(performance.now() - began);
  }
  return median(times);
}

await using world = await openPwsWorld({ options: { requestsPerSecond: 100_000, requestBurst: 1_000_000 } });
await world.test.ids.write((db) => {
  const columns = (db.prepare('SELECT * FROM enduser WHERE userid = ?').get('bob') ?? {}) as Record<string, unknown>;
  const names = Object.keys(columns);
  const insert = db.prepare(`INSERT INTO enduser (${names.join()}) VALUES (${names.map(() => '?').join()})`);
  for (let index = 0; index < 5_000; index += 1) {
    const user = { ...columns, pkid: `u${index}`, userid: `u${index}`, imaddress: `u${index}@${DOMAIN}` };
    insert.run(...Object.values(user));
  }
});
await world.settle();
const application = await world.signInApplication();
const alice = await world.signIn('alice', application);
const bob = await world.signIn('bob', application);

const path = (type: 'basic' | 'rich', count: number): string =>
  `/users/alice/presence/${type}/contacts/${Array.from({ length: count }, (_, index) => `u${index}@${DOMAIN}`).join()}`;
const one = await timed(() => world.rest('GET', path('basic', 1), { key: alice }));
const hundred = await timed(() => world.rest('GET', path('basic', 100), { key: alice }));
const rich = await timed(() => world.rest('GET', path('rich', 100), { key: alice }));
const put = await timed(() => world.setBasic(bob, 'bob', 'AWAY'));
console.log(
  `basic presence of 1: ${one.toFixed(2)} ms; of 100: ${hundred.toFixed(2)} ms, ${(hundred / one).toFixed(1)} of that`,
);
console.log(
  `rich presence of 100: ${rich.toFixed(2)} ms, ${(rich / hundred).toFixed(1)} of basic; setting: ${put.toFixed(2)} ms`,
);
const list = Array.from({ length: 5_000 }, (_, index) => `<contact contactURI="u${index}@${DOMAIN}"/>`).join('');
// Not by the world's own way, which reads the answer again to judge it.
const all = async (type: string): Promise<string> => {
  const payload = `<getPolledPresence xmlns="${NS}"><contactsList>${list}</contactsList><presenceType>${type}</presenceType></getPolledPresence>`;
  const body = envelope(payload, { key: alice });
  return await (await fetch(`${world.origin}${BASE}/soap`, { method: 'POST', body })).text();
};
console.log(`basic presence of 5000 by SOAP: ${(await timed(() => all('BASIC_PRESENCE'), 5)).toFixed(0)} ms`);
console.log(`rich presence of 5000 by SOAP: ${(await timed(() => all('RICH_PRESENCE'), 5)).toFixed(0)} ms`);

await using receiver = await openReceiver();
const endPoints = [];
for (let count = 0; count < 20; count += 1) endPoints.push(await world.register(application, receiver.url));
const ids: number[] = [];
for (let count = 0; count < SUBSCRIPTIONS; count += 1) {
  ids.push(await world.subscribe(alice, 'alice', endPoints[count % endPoints.length] ?? 0, [`bob@${DOMAIN}`]));
}
const hear = async (): Promise<void> => {
  for (let count = 0; count < SUBSCRIPTIONS; count += 1) await receiver.next();
};
await hear();
const rounds: number[] = [];
for (const state of ['BUSY', 'AWAY', 'BUSY']) {
  for (const id of ids) await world.rest('GET', `/users/alice/presence/basic/subscriptions/${id}`, { key: alice });
  const began = performance.now();
  await world.setBasic(bob, 'bob', state);
  await hear();
  rounds.push(performance.now() - began);
}
console.log(`one change, ${SUBSCRIPTIONS} callbacks: ${median(rounds).toFixed(0)} ms until all have come`);
