import type { Selectable } from 'kysely';
import type { StaticRouteRow } from '../../ids/tables/configuration.ts';
import type { ConfigurationProblem } from '../../rpc/handover/parameters.ts';
import {
  compareRoutes,
  faultOfRoute,
  MAX_SAME_PATTERN,
  nameOfRoute,
  type StaticRoute,
  TRANSPORTS,
} from '../../rpc/sip-proxy/static-route.ts';
import { isXmlText } from '../../xml/write.ts';

/** The static routes that can be used, in their order; the others are named. Of one pattern the best ones are kept. */
export function usableRoutes(
  rows: readonly Selectable<StaticRouteRow>[],
  templates: readonly string[],
): { readonly routes: readonly StaticRoute[]; readonly problems: readonly ConfigurationProblem[] } {
  const routes: StaticRoute[] = [];
  const problems: ConfigurationProblem[] = [];
  const counts = new Map<string, number>();
  for (const route of rows.map(routeOf).sort(compareRoutes)) {
    const key = `${route.type} ${route.pattern}`;
    const count = counts.get(key) ?? 0;
    const reason =
      faultOfRow(route, templates) ??
      (count >= MAX_SAME_PATTERN ? `there are ${MAX_SAME_PATTERN} with this pattern already` : undefined);
    if (reason !== undefined) problems.push({ element: `static route ${nameOfRoute(route)}`, reason });
    else {
      counts.set(key, count + 1);
      routes.push(route);
    }
  }
  return { routes, problems };
}

function faultOfRow(route: StaticRoute, templates: readonly string[]): string | undefined {
  if (route.type !== 'user' && route.type !== 'domain') return 'its type is neither user nor domain';
  if (!TRANSPORTS.includes(route.transport))
    return `transport "${route.transport}" is none of ${TRANSPORTS.join(', ')}`;
  if (!isXmlText(route.pattern)) return 'the pattern holds a character that XML cannot carry';
  return faultOfRoute(route, templates);
}

function routeOf(row: Selectable<StaticRouteRow>): StaticRoute {
  const common = {
    pattern: row.pattern,
    type: row.type,
    allowLessSpecific: row.allowlessspecific === 1,
    inService: row.inservice === 1,
  };
  // A route that blocks leads nowhere: a slip in where it would lead must not let through what it blocks.
  if (row.block === 1) {
    return { ...common, block: true, nextHop: '', port: 5060, transport: 'TCP', priority: 1, weight: 1 };
  }
  const { nexthop: nextHop, port, transport, priority, weight } = row;
  return { ...common, block: false, nextHop, port, transport, priority, weight };
}
