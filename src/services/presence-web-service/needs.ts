import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Compose } from '../../presence/publication.ts';
import type { SignIn } from '../../sign-in/sign-in.ts';
import type { ClientSession, LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import type { Notifier } from './callbacks/notifier.ts';
import type { PwsCounters } from './counters.ts';
import type { OverloadGuard } from './limits/overload.ts';
import type { RequestRate } from './limits/request-rate.ts';
import type { Registrations } from './pools/registrations.ts';
import type { SessionEnds } from './session-ends.ts';

/** What the actions behind both faces work with. */
export interface ActionNeeds {
  readonly ids: Ids;
  readonly loginDatastore: LoginDatastore;
  readonly routeDatastore: RouteDatastore;
  readonly presenceDatastore: PresenceDatastore;
  readonly signIn: SignIn<ClientSession>;
  readonly compose: Compose;
  readonly registrations: Registrations;
  readonly notifier: Notifier;
  readonly sessionEnds: SessionEnds;
  readonly requestRate: RequestRate;
  readonly overload: OverloadGuard;
  readonly counters: PwsCounters;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly log: Log;
  /** Number of the last change of presence or permission that was seen. */
  readonly revision: () => number;
  /** Judges the address that a callback URL names; a host name is judged when it is called. */
  readonly isTargetAllowed: (address: string) => boolean;
}

/** What an action knows of its caller. */
export interface Caller {
  readonly address: string;
}
