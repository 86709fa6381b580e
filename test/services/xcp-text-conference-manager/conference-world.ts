import { createLog } from '../../../src/platform/log.ts';
import { createScope } from '../../../src/platform/scope.ts';
import {
  createXcpTextConferenceManager,
  xcpTextConferenceManagerDescriptor,
} from '../../../src/services/xcp-text-conference-manager/xcp-text-conference-manager.ts';
import type { OpenGuest } from '../xcp-router/play.ts';
import { DOMAIN, type RouterWorld } from '../xcp-router/router-world.ts';

/** The Text Conference Manager beside the router of a world. */
export async function openConference(
  world: RouterWorld,
  options: Readonly<Record<string, unknown>> = {},
): Promise<OpenGuest & { detail(): string }> {
  const { ids, metrics } = world.test;
  const service = createXcpTextConferenceManager(
    { ids, router: world.router, clock: world.clock, log: createLog({ level: 'silent' }), metrics, domain: DOMAIN },
    xcpTextConferenceManagerDescriptor.options.parse(options),
  );
  const open = async () => {
    const scope = createScope(world.clock, (error) => world.failures.push(error));
    await service.start(scope);
    return scope;
  };
  let scope = await open();
  return {
    detail: () => service.detail(),
    async restart() {
      await scope.close();
      scope = await open();
    },
    [Symbol.asyncDispose]: () => scope.close(),
  };
}
