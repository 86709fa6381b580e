import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ImpError } from '../../../src/platform/errors.ts';
import { isLegalPair } from '../../../src/services/server-recovery-manager/pairs.ts';
import { isStable } from '../../../src/services/server-recovery-manager/states.ts';
import { type HaNode, type HaWorld, openHaWorld } from './ha-world.ts';

const RUNS = Number(process.env.IMP_HA_RUNS ?? 15);

/** What can happen to a node or to the link between two. */
const happening = fc.record({
  what: fc.constantFrom(
    'kill',
    'stop',
    'start',
    'start',
    'cut',
    'mend',
    'store-away',
    'store-back',
    'service-down',
    'services-up',
    'database-away',
    'database-back',
    'failover',
    'fallback',
    'recover',
    'move-fails',
    'move-works',
    'off',
    'on',
  ),
  isFirst: fc.boolean(),
  thenMs: fc.constantFrom(250, 1_000, 3_500, 9_000),
});

async function happens(world: HaWorld, what: string, node: HaNode): Promise<void> {
  const ask = async (action: 'failover' | 'fallback' | 'recover'): Promise<void> => {
    try {
      await node.manager.administration[action](action === 'recover' ? '' : node.name, 'test');
    } catch (error) {
      // Refused, or nobody there: an administrator's lot.
      if (!(error instanceof ImpError) || error.kind === 'internal') throw error;
    }
  };
  const steps: Record<string, () => Promise<void> | void> = {
    kill: () => node.stop('kill'),
    stop: () => node.stop('goodbye'),
    start: () => node.start(),
    cut: () => void Object.assign(world, { isLinkUp: false }),
    mend: () => void Object.assign(world, { isLinkUp: true }),
    'store-away': () => void Object.assign(node, { isStoreAway: true }),
    'store-back': () => void Object.assign(node, { isStoreAway: false }),
    'service-down': () => void node.services.set('sip-proxy', 'Stopped'),
    'services-up': () => void node.services.set('sip-proxy', 'Started'),
    'database-away': () => void Object.assign(node, { isDatabaseAway: node.isRunning() }),
    'database-back': () => void Object.assign(node, { isDatabaseAway: false }),
    'move-fails': () => void Object.assign(node, { isMoveFailing: true }),
    'move-works': () => void Object.assign(node, { isMoveFailing: false }),
    failover: () => ask('failover'),
    fallback: () => ask('fallback'),
    recover: () => ask('recover'),
    off: () => world.setEnabled(false),
    on: () => world.setEnabled(true),
  };
  await steps[what]?.();
}

describe('two nodes, whatever happens to them', () => {
  it('never serve one user at once, and come to a legal pair when they are left alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 20 }), async (happenings) => {
        await using world = await openHaWorld();
        const look = (): void => {
          for (const home of [1, 2])
            assert.ok(world.owners(home).length <= 1, `two owners of ${home}: ${world.states()}`);
        };
        for (const { what, isFirst, thenMs } of happenings) {
          const node = isFirst ? world.one : world.two;
          // A node whose database is away does not start.
          if (what === 'start') node.isDatabaseAway = false;
          await happens(world, what, node);
          for (let passed = 0; passed < thenMs; passed += 250) {
            await world.clock.advance(250);
            look();
          }
        }
        // Left alone, with everything there.
        world.isLinkUp = true;
        for (const node of [world.one, world.two]) {
          Object.assign(node, { isStoreAway: false, isDatabaseAway: false, isMoveFailing: false });
          await node.start();
          node.services.set('sip-proxy', node.manager.own.state === 2 ? 'Stopped' : 'Started');
        }
        for (let passed = 0; passed < 60_000; passed += 500) {
          await world.clock.advance(500);
          look();
        }
        const [one, two] = world.pair();
        assert.ok(isStable(one.state) && isStable(two.state), `still on their way: ${world.states()}`);
        assert.ok(isLegalPair(one, two), `not a legal pair: ${world.states()}`);
        if (one.state !== 11) {
          assert.deepEqual(
            [world.owners(1).length, world.owners(2).length],
            [1, 1],
            `users without a node: ${world.states()}`,
          );
        }
      }),
      { numRuns: RUNS },
    );
  });
});
