import type { Clock } from '../../platform/clock.ts';
import type { ServiceStatus } from '../../platform/service.ts';
import type { Health } from './facts.ts';

/** Services whose loss makes a node fail over, as far as they are activated. */
const CRITICAL: ReadonlySet<string> = new Set([
  'route-datastore',
  'login-datastore',
  'sip-registration-datastore',
  'presence-datastore',
  'xcp-router',
  'presence-engine',
  'sip-proxy',
  'xcp-text-conference-manager',
  'xcp-connection-manager',
]);
const AUTHENTICATION = 'xcp-authentication-service';
/** On the page of critical services, but no reason to fail over. */
const SHOWN: ReadonlySet<string> = new Set(['client-profile-agent', 'sync-agent']);
/** Stopped on a node that an administrator has failed over. The stores and what redirects clients go on. */
const SERVING: ReadonlySet<string> = new Set(['presence-engine', 'sip-proxy']);

export interface CriticalService {
  readonly name: string;
  readonly state: string;
  /** Whether its loss makes the node fail over. */
  readonly counts: boolean;
}

export interface HealthView {
  readonly health: Health;
  readonly isDatabaseUp: boolean;
  /** Critical services that are down now. */
  readonly down: readonly string[];
}

/** Which of a node's services serve clients and peers directly: stopped while it is Idle, in the order of starting. */
export function servingServices(services: readonly ServiceStatus[]): readonly ServiceStatus[] {
  return services.filter((each) => each.isActivated && (SERVING.has(each.name) || each.isXcp));
}

export function criticalServices(
  services: readonly ServiceStatus[],
  monitorsAuthentication: boolean,
): readonly CriticalService[] {
  const isCounted = (name: string): boolean =>
    CRITICAL.has(name) || (monitorsAuthentication && name === AUTHENTICATION);
  return services
    .filter((each) => each.isActivated && (isCounted(each.name) || SHOWN.has(each.name)))
    .map((each) => ({ name: each.name, state: each.state, counts: isCounted(each.name) }));
}

/** Watches the critical services of a node: how long one has been down decides. */
export function createHealth(needs: {
  readonly services: () => readonly ServiceStatus[];
  readonly monitorsAuthentication: boolean;
  readonly delayMs: number;
  readonly clock: Clock;
  /** Stopped by the Server Recovery Manager itself. */
  readonly commanded: ReadonlySet<string>;
}): { look(isDatabaseUp: boolean): HealthView } {
  let downSince: number | undefined;
  return {
    look(isDatabaseUp) {
      const down = criticalServices(needs.services(), needs.monitorsAuthentication)
        .filter((each) => each.counts && each.state !== 'Started' && !needs.commanded.has(each.name))
        .map((each) => each.name);
      const now = needs.clock.monotonic();
      if (down.length === 0) downSince = undefined;
      else downSince ??= now;
      const isOverdue = downSince !== undefined && now - downSince >= needs.delayMs;
      // The database is needed for everything: there is nothing to wait for.
      const health: Health = isOverdue || !isDatabaseUp ? 'down' : down.length > 0 ? 'pending' : 'up';
      return { health, isDatabaseUp, down };
    },
  };
}
