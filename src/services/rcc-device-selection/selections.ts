import type { Ids, Origin } from '../../ids/ids.ts';
import type { Clock } from '../../platform/clock.ts';
import { readAppearances } from './appearances.ts';
import type { DeviceRegistrations } from './device-registrations.ts';
import { RccError } from './errors.ts';
import { applyDialRules, type DialRule } from './selection/dial-rules.ts';
import type { LineUri } from './selection/line-uri.ts';
import { type Appearance, type Choice, isSameName, type Selection, selectDevice } from './selection/select-device.ts';
import type { RccUser } from './users.ts';

/** A phone, or one line of it; null leaves open. */
export interface Wanted {
  readonly device: string;
  readonly line: string | null;
  readonly partition: string | null;
}

/** What users have and have chosen, in the IDS. */
export interface Selections {
  appearances(user: RccUser): Promise<readonly Appearance[]>;
  /** What the user chose last, even when it is gone by now; null: nothing. */
  chosen(user: RccUser): Promise<Choice | null>;
  /**
   * Stores a choice, which holds from the next session on; null forgets it.
   * @throws RccError `rcc.unknown-appearance` when the user controls no such phone or line
   */
  choose(user: RccUser, wanted: Wanted | null, origin: Origin): Promise<Choice | null>;
  /** The phone that a session signed in now with this Line URI would drive. */
  select(user: RccUser, lineUri: LineUri): Promise<Selection>;
  /** A number as it is dialled, by the application dial rules. */
  dialled(number: string): Promise<string>;
}

export interface SelectionsNeeds {
  readonly ids: Ids;
  readonly registrations: DeviceRegistrations;
  readonly clock: Clock;
}

export function createSelections({ ids, registrations, clock }: SelectionsNeeds): Selections {
  const appearances = (user: RccUser): Promise<readonly Appearance[]> => readAppearances(ids.read, user, registrations);

  const chosen = async (user: RccUser): Promise<Choice | null> => {
    const row = await ids.read
      .selectFrom('rccselection')
      .where('fkenduser', '=', user.pkid)
      .select(['device', 'dnorpattern as line', 'partition'])
      .executeTakeFirst();
    return row ?? null;
  };

  const dialRules = (): Promise<readonly DialRule[]> =>
    ids.read
      .selectFrom('dialrule')
      .where('type', '=', 'application')
      .select(['priority', 'beginswith', 'digits', 'digitsremoved', 'prepend'])
      .execute();

  return {
    appearances,
    chosen,
    async choose(user, wanted, origin) {
      if (wanted === null) {
        await ids.transaction(origin, async (trx) => {
          await trx.deleteFrom('rccselection').where('fkenduser', '=', user.pkid).execute();
        });
        return null;
      }
      const known = (await appearances(user)).find(
        ({ device, line, partition }) =>
          isSameName(device, wanted.device) &&
          (wanted.line === null || wanted.line === line) &&
          (wanted.partition === null || wanted.partition === partition),
      );
      if (known === undefined) {
        throw new RccError('rcc.unknown-appearance', `${user.userid} controls no such phone or line`);
      }
      const isLineOpen = wanted.line === null;
      const row = {
        device: known.device,
        dnorpattern: isLineOpen ? '' : known.line,
        partition: isLineOpen ? '' : known.partition,
        chosenat: clock.now(),
      };
      await ids.transaction(origin, async (trx) => {
        await trx
          .insertInto('rccselection')
          .values({ fkenduser: user.pkid, ...row })
          .onConflict((conflict) => conflict.column('fkenduser').doUpdateSet(row))
          .execute();
      });
      return { device: row.device, line: row.dnorpattern, partition: row.partition };
    },
    async select(user, lineUri) {
      const [all, choice, rules] = await Promise.all([appearances(user), chosen(user), dialRules()]);
      const ruledNumber = applyDialRules(lineUri.number, rules);
      return selectDevice({ lineUri, ruledNumber, appearances: all, chosen: choice });
    },
    dialled: async (number) => applyDialRules(number, await dialRules()),
  };
}
