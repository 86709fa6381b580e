import { join } from '../../../xml/write.ts';
import { systemConfig } from '../config-sections.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** The system's properties, unset ones with empty text. Source: inferred from its answer in `get-all-config`. */
export const getSystemConfig = sessionOperation({
  name: 'get-system-config',
  session: 'enduser',
  read: readEmpty,
  run: async (needs) => join(await systemConfig(needs)),
});
