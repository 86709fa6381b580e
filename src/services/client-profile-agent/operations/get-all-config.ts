import { element, join, type Markup } from '../../../xml/write.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import {
  type AuthPolicy,
  contactInfo,
  federatedDomains,
  nonPresenceAwareContacts,
  systemConfig,
  userConfig,
} from '../config-sections.ts';
import { type OperationNeeds, sessionOperation } from '../operation.ts';
import { childrenOf, type PersonaId, readContactQuery, sectionsOf, wordAttribute } from '../read-request.ts';

const SECTIONS = [
  'system-config',
  'user-config',
  'federated-domains',
  'non-presence-aware-contacts',
  'contact-info',
] as const;
type Section = (typeof SECTIONS)[number];

interface Request {
  readonly sections: readonly Section[];
  readonly authPolicy: AuthPolicy;
  readonly contacts: readonly PersonaId[];
}

/**
 * Several reads at once, one answer element per section asked for; none asked for means all.
 * Source: seen; a client reads `get-all-config-resp/get-system-config-resp/property[@name='Presence.Domain']`.
 */
export const getAllConfig = sessionOperation<Request>({
  name: 'get-all-config',
  session: 'enduser',
  read(payload, needs) {
    const children = sectionsOf(payload, SECTIONS);
    let authPolicy: AuthPolicy = 'all';
    let contacts: readonly PersonaId[] = [];
    for (const child of children) {
      if (child.local === 'contact-info') contacts = readContactQuery(child, needs.domain);
      else childrenOf(child, []);
      if (child.local === 'federated-domains') {
        authPolicy = wordAttribute(child, 'auth-policy', ['all', 'allow', 'block'], 'all');
      }
    }
    const sections = children.map((child) => child.local as Section);
    return { sections: sections.length === 0 ? SECTIONS : sections, authPolicy, contacts };
  },
  async run(needs, request, session): Promise<Markup> {
    const written: Markup[] = [];
    for (const section of request.sections) {
      const content = await readSection(needs, section, request, session);
      written.push(element(`e:get-${section}-resp`, undefined, ...content));
    }
    return join(written);
  },
});

function readSection(
  needs: OperationNeeds,
  section: Section,
  request: Request,
  session: ClientSession,
): Promise<readonly Markup[]> {
  switch (section) {
    case 'system-config':
      return systemConfig(needs);
    case 'user-config':
      return userConfig(needs, session);
    case 'federated-domains':
      return federatedDomains(needs, request.authPolicy);
    case 'non-presence-aware-contacts':
      return nonPresenceAwareContacts(needs, session);
    case 'contact-info':
      return contactInfo(needs, session, request.contacts);
  }
}
