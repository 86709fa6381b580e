import type { Migration } from 'kysely/migration';
import * as init from './001-init.ts';
import * as clientRules from './002-client-rules.ts';
import * as sipCredential from './003-sip-credential.ts';
import * as rccSelection from './004-rcc-selection.ts';
import * as xcp from './005-xcp.ts';
import * as intercluster from './006-intercluster.ts';
import * as haRecord from './007-ha-record.ts';
import * as dndPropagation from './008-dnd-propagation.ts';
import * as interclusterRun from './009-intercluster-run.ts';
import * as textConference from './010-text-conference.ts';

/** Every migration by its number, in order. */
export const migrations: Readonly<Record<string, Migration>> = {
  '001-init': init,
  '002-client-rules': clientRules,
  '003-sip-credential': sipCredential,
  '004-rcc-selection': rccSelection,
  '005-xcp': xcp,
  '006-intercluster': intercluster,
  '007-ha-record': haRecord,
  '008-dnd-propagation': dndPropagation,
  '009-intercluster-run': interclusterRun,
  '010-text-conference': textConference,
};
