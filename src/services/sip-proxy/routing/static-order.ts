import type { StaticRoute } from '../../../rpc/sip-proxy/static-route.ts';

/**
 * The routes in the order of trying: group by group, and in a group by lot, where a route of twice the weight is twice
 * as often the first.
 * @param random from 0 up to 1
 */
export function orderRoutes(groups: readonly (readonly StaticRoute[])[], random: () => number): readonly StaticRoute[] {
  return groups.flatMap((group) => {
    const left = [...group];
    const ordered: StaticRoute[] = [];
    while (left.length > 0) {
      let ticket = random() * left.reduce((sum, { weight }) => sum + weight, 0);
      const index = left.findIndex(({ weight }) => {
        ticket -= weight;
        return ticket < 0;
      });
      ordered.push(...left.splice(index < 0 ? left.length - 1 : index, 1));
    }
    return ordered;
  });
}
