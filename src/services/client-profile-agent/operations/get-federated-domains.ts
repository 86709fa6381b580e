import { join } from '../../../xml/write.ts';
import { type AuthPolicy, federatedDomains } from '../config-sections.ts';
import { sessionOperation } from '../operation.ts';
import { childrenOf, wordAttribute } from '../read-request.ts';

/** Foreign domains that are allowed or blocked. Source: documented; the form is ours. */
export const getFederatedDomains = sessionOperation<AuthPolicy>({
  name: 'get-federated-domains',
  session: 'enduser',
  read(payload) {
    childrenOf(payload, []);
    return wordAttribute(payload, 'auth-policy', ['all', 'allow', 'block'], 'all');
  },
  run: async (needs, policy) => join(await federatedDomains(needs, policy)),
});
