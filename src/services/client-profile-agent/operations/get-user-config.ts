import { join } from '../../../xml/write.ts';
import { userConfig } from '../config-sections.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** The user's settings. Source: inferred from `get-all-config`; names of properties are ours. */
export const getUserConfig = sessionOperation({
  name: 'get-user-config',
  session: 'enduser',
  read: readEmpty,
  run: async (needs, _request, session) => join(await userConfig(needs, session)),
});
