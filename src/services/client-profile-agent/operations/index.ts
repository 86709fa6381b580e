import type { Operation } from '../operation.ts';
import { addAcl } from './add-acl.ts';
import { addContact } from './add-contact.ts';
import { addGroup } from './add-group.ts';
import { deleteAcl } from './delete-acl.ts';
import { deleteContact } from './delete-contact.ts';
import { deleteGroup } from './delete-group.ts';
import { deletePresenceRules } from './delete-presence-rules.ts';
import { getAcl } from './get-acl.ts';
import { getAllConfig } from './get-all-config.ts';
import { getCalendarOptions } from './get-calendar-options.ts';
import { getClusterInfo } from './get-cluster-info.ts';
import { getContactInfo } from './get-contact-info.ts';
import { getContactList } from './get-contact-list.ts';
import { getDialRules } from './get-dial-rules.ts';
import { getFederatedDomains } from './get-federated-domains.ts';
import { getLicensedFeatures } from './get-licensed-features.ts';
import { getNonPresenceAwareContacts } from './get-non-presence-aware-contacts.ts';
import { getOnetimePassword } from './get-onetime-password.ts';
import { getPhonePresence } from './get-phone-presence.ts';
import { getPresenceRules } from './get-presence-rules.ts';
import { getSystemConfig } from './get-system-config.ts';
import { getUserConfig } from './get-user-config.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { modifyContact } from './modify-contact.ts';
import { modifyGroup } from './modify-group.ts';
import { searchUsers } from './search-users.ts';
import { setCalendarOptions } from './set-calendar-options.ts';
import { setContactInfo } from './set-contact-info.ts';
import { setPhonePresence } from './set-phone-presence.ts';
import { setPresenceRules } from './set-presence-rules.ts';
import { setUserConfig } from './set-user-config.ts';

/** Every operation of the WSDL by the name of its element. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  [
    login,
    logout,
    getAllConfig,
    getOnetimePassword,
    addContact,
    deleteContact,
    getSystemConfig,
    getUserConfig,
    setUserConfig,
    getContactList,
    modifyContact,
    addGroup,
    modifyGroup,
    deleteGroup,
    getContactInfo,
    setContactInfo,
    getNonPresenceAwareContacts,
    getFederatedDomains,
    getAcl,
    addAcl,
    deleteAcl,
    getPresenceRules,
    setPresenceRules,
    deletePresenceRules,
    getCalendarOptions,
    setCalendarOptions,
    getPhonePresence,
    setPhonePresence,
    getDialRules,
    getLicensedFeatures,
    searchUsers,
    getClusterInfo,
  ].map((operation) => [operation.name, operation]),
);
