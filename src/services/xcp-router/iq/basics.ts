import { type Clock, isoTime } from '../../../platform/clock.ts';
import { el, NS } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqTarget } from '../components/component.ts';

const TARGETS = ['server', 'account'] as const satisfies readonly IqTarget[];
const VERSION = 'jabber:iq:version';
const TIME = 'urn:xmpp:time';
const LAST = 'jabber:iq:last';

/** Ping (XEP-0199), version (0092), time (0202) and up time (0012). */
export function basicRequests(needs: {
  readonly clock: Clock;
  readonly version: string;
  readonly startedAt: () => number;
}): readonly IqHandler[] {
  const { clock } = needs;
  return [
    ...TARGETS.map((target): IqHandler => ({ target, namespace: NS.ping, type: 'get', handle: () => null })),
    {
      target: 'server',
      namespace: VERSION,
      type: 'get',
      handle: () =>
        el(VERSION, 'query', {}, el(VERSION, 'name', {}, 'imp-gateway'), el(VERSION, 'version', {}, needs.version)),
    },
    {
      target: 'server',
      namespace: TIME,
      type: 'get',
      handle: () => el(TIME, 'time', {}, el(TIME, 'tzo', {}, '+00:00'), el(TIME, 'utc', {}, isoTime(clock.now()))),
    },
    {
      target: 'server',
      namespace: LAST,
      type: 'get',
      handle: () =>
        el(LAST, 'query', { seconds: Math.floor(Math.max(0, clock.monotonic() - needs.startedAt()) / 1_000) }),
    },
  ];
}

export const BASIC_FEATURES: readonly string[] = [NS.ping, VERSION, TIME, LAST];
