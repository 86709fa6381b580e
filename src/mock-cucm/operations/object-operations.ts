import { textElement } from '../../xml/write.ts';
import { braced } from '../message/values.ts';
import { axlObjects } from '../objects/index.ts';
import { addObject } from '../verbs/add.ts';
import { mustFind } from '../verbs/find.ts';
import { getObject } from '../verbs/get.ts';
import { listObjects } from '../verbs/list.ts';
import { removeObject } from '../verbs/remove.ts';
import { updateObject } from '../verbs/update.ts';
import type { Operation } from './operation.ts';

const WRITES = { add: addObject, update: updateObject, remove: removeObject } as const;
/** Objects with a running side: what was configured must be applied to it. */
const APPLICABLE: ReadonlySet<string> = new Set(['Phone', 'Line', 'DevicePool', 'CommonPhoneConfig', 'SipProfile']);
const APPLYING = ['apply', 'restart', 'reset'] as const;

/** The verbs of every object: `addUser`, `getUser`, `listUser` … */
export const objectOperations: readonly Operation[] = axlObjects.flatMap((object) => [
  ...object.verbs.map((verb): Operation => {
    const name = `${verb}${object.name}`;
    switch (verb) {
      case 'get':
        return { name, isWrite: false, run: ({ store }, payload) => getObject(store.read, object, payload) };
      case 'list':
        return { name, isWrite: false, run: ({ store }, payload) => listObjects(store.read, object, payload) };
      default: {
        const write = WRITES[verb];
        return {
          name,
          isWrite: true,
          run: async ({ store }, payload) =>
            textElement('return', braced(await store.write((writing) => write(writing, object, payload)))),
        };
      }
    }
  }),
  // The mock has no running phones: applying only checks that the object exists.
  ...(APPLICABLE.has(object.name)
    ? APPLYING.map(
        (verb): Operation => ({
          name: `${verb}${object.name}`,
          isWrite: true,
          run: ({ store }, payload) => textElement('return', braced(mustFind(store.read, object, payload))),
        }),
      )
    : []),
]);
