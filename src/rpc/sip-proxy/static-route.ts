import { isIP } from 'node:net';
import { isHost } from '../handover/addresses.ts';
import { compilePattern, faultOfPattern, type RoutePattern, type RouteType } from './route-pattern.ts';

export const TRANSPORTS = ['TCP', 'UDP', 'TLS'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Where requests for a number or a domain go that we do not serve (docs/services/config-agent.md). */
export interface StaticRoute {
  readonly pattern: string;
  readonly type: RouteType;
  /** Host name, address, or the domain of an SRV record; '' only where the route blocks. */
  readonly nextHop: string;
  /** 0 asks DNS SRV. */
  readonly port: number;
  readonly transport: Transport;
  /** 1 to 65535, lower first. */
  readonly priority: number;
  /** 1 to 65535: the share among routes of one priority. */
  readonly weight: number;
  readonly allowLessSpecific: boolean;
  readonly inService: boolean;
  readonly block: boolean;
}

/** More routes with one pattern are not taken. */
export const MAX_SAME_PATTERN = 100;

/** What is wrong with a route; undefined when nothing is. A route that blocks needs no way to go. */
export function faultOfRoute(route: StaticRoute, templates: readonly string[]): string | undefined {
  const fault = faultOfPattern(route.type, route.pattern, templates);
  if (fault !== undefined || route.block) return fault;
  if (!isHost(route.nextHop)) return `next hop "${route.nextHop}" is neither a host name nor an address`;
  if (!isWithin(route.port, 0, 65_535)) return `port ${route.port} is not from 0 to 65535`;
  if (route.port === 0 && isIP(route.nextHop) !== 0) return 'port 0 asks DNS SRV, which needs a name as next hop';
  if (!isWithin(route.priority, 1, 65_535)) return `priority ${route.priority} is not from 1 to 65535`;
  if (!isWithin(route.weight, 1, 65_535)) return `weight ${route.weight} is not from 1 to 65535`;
  return undefined;
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** The order in which routes are written and tried: type, pattern, then the better ones first. */
export function compareRoutes(a: StaticRoute, b: StaticRoute): number {
  return (
    compare(a.type, b.type) ||
    compare(a.pattern, b.pattern) ||
    a.priority - b.priority ||
    b.weight - a.weight ||
    compare(a.nextHop, b.nextHop) ||
    a.port - b.port ||
    compare(a.transport, b.transport)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `user 74* over gw1.example:5060`: how a route is named to administrators. */
export function nameOfRoute(route: StaticRoute): string {
  return `${route.type} ${route.pattern} over ${route.block ? 'nothing (blocked)' : `${route.nextHop}:${route.port}`}`;
}

/** What the routes say of a request. */
export type RouteChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'blocked'; readonly pattern: string }
  /** Groups in the order of trying; the routes of a group share by weight. */
  | { readonly kind: 'routes'; readonly groups: readonly (readonly StaticRoute[])[] };

export interface RouteTable {
  /** @param user the user part of the request URI, '' when there is none @param domain its host */
  choose(user: string, domain: string): RouteChoice;
}

interface Patterned {
  readonly type: RouteType;
  readonly text: string;
  readonly pattern: RoutePattern;
  readonly routes: StaticRoute[];
}

/**
 * The longest pattern wins, then priority, then weight. Less specific patterns follow where every route of the more
 * specific one allows it; a pattern with a route that blocks ends the search.
 */
export function createRouteTable(routes: readonly StaticRoute[]): RouteTable {
  const byPattern = new Map<string, Patterned>();
  for (const route of routes) {
    if (!route.inService) continue;
    const key = `${route.type} ${route.pattern}`;
    let known = byPattern.get(key);
    if (!known) {
      known = { type: route.type, text: route.pattern, pattern: compilePattern(route.type, route.pattern), routes: [] };
      byPattern.set(key, known);
    }
    known.routes.push(route);
  }
  const patterns = [...byPattern.values()].sort(
    (a, b) => b.pattern.length - a.pattern.length || b.pattern.literals - a.pattern.literals || compare(a.text, b.text),
  );
  return {
    choose(user, domain) {
      const groups: (readonly StaticRoute[])[] = [];
      for (const { type, text, pattern, routes: own } of patterns) {
        if (!pattern.matches(type === 'user' ? user : domain)) continue;
        if (own.some(({ block }) => block)) {
          if (groups.length === 0) return { kind: 'blocked', pattern: text };
          break;
        }
        for (const group of byPriority(own)) groups.push(group);
        if (!own.every(({ allowLessSpecific }) => allowLessSpecific)) break;
      }
      return groups.length === 0 ? { kind: 'none' } : { kind: 'routes', groups };
    },
  };
}

function byPriority(routes: readonly StaticRoute[]): StaticRoute[][] {
  const groups = new Map<number, StaticRoute[]>();
  for (const route of [...routes].sort(compareRoutes)) {
    const group = groups.get(route.priority);
    if (group) group.push(route);
    else groups.set(route.priority, [route]);
  }
  return [...groups.values()];
}
