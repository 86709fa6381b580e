import { join } from '../../../xml/write.ts';
import { contactInfo } from '../config-sections.ts';
import { sessionOperation } from '../operation.ts';
import { readContactQuery } from '../read-request.ts';

/** Numbers, mail and the like that the caller keeps of contacts: those asked for, or all. Source: inferred; names ours. */
export const getContactInfo = sessionOperation({
  name: 'get-contact-info',
  session: 'enduser',
  read: (payload, needs) => readContactQuery(payload, needs.domain),
  run: async (needs, wanted, session) => join(await contactInfo(needs, session, wanted)),
});
