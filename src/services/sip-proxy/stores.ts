import { ImpError } from '../../platform/errors.ts';
import { refusal, SipError } from '../../sip/errors.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import type { SipRegistrationDatastore } from '../sip-registration-datastore/sip-registration-datastore.ts';

export type Registrations = Pick<SipRegistrationDatastore, 'bindingsOf' | 'change' | 'remove'>;
export type Routes = Pick<RouteDatastore, 'routeOfUser' | 'userByAddress'>;

export interface Stores {
  readonly registrations: Registrations;
  readonly routes: Routes;
}

export type StoreName = keyof Stores;

const SENTENCES: Readonly<Record<StoreName, string>> = {
  registrations: 'Registrations Unavailable',
  routes: 'Routes Unavailable',
};

/**
 * The stores as request handlers see them: one that is away, or full, makes the answer 503, never a "no".
 * @param onStore hears of trouble, and that a store answers
 */
export function guardStores(
  stores: Stores,
  onStore: (store: StoreName, trouble: ImpError | undefined) => void,
): Stores {
  const guard = async <T>(store: StoreName, task: () => Promise<T>): Promise<T> => {
    try {
      const answer = await task();
      onStore(store, undefined);
      return answer;
    } catch (error) {
      if (error instanceof SipError || !(error instanceof ImpError) || error.kind !== 'unavailable') throw error;
      onStore(store, error);
      throw refusal(503, SENTENCES[store], { 'Retry-After': '30' }, error);
    }
  };
  const { registrations, routes } = stores;
  return {
    registrations: {
      bindingsOf: (address) => guard('registrations', () => registrations.bindingsOf(address)),
      change: (address, decide) => guard('registrations', () => registrations.change(address, decide)),
      remove: (binding) => guard('registrations', () => registrations.remove(binding)),
    },
    routes: {
      routeOfUser: (userid) => guard('routes', () => routes.routeOfUser(userid)),
      userByAddress: (address) => guard('routes', () => routes.userByAddress(address)),
    },
  };
}
