import { attribute } from '../../../xml/element.ts';
import { type DiscoItem, jidOf, NS, StanzaError, writeDiscoInfo, writeDiscoItems } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqRequest } from '../components/component.ts';
import type { ComponentRegistry } from '../components/registry.ts';
import type { Accounts } from '../sessions/account.ts';

/** Service discovery (XEP-0030) of the server and of accounts; what services add is part of it. */
export function discoveryRequests(needs: {
  readonly components: ComponentRegistry;
  readonly accounts: Accounts;
  readonly isSubscribed: (request: IqRequest) => Promise<boolean>;
}): readonly IqHandler[] {
  const { components, accounts } = needs;

  const noNode = ({ payload }: IqRequest): void => {
    if (attribute(payload, 'node')) throw new StanzaError('item-not-found', 'there is no such node');
  };

  return [
    {
      target: 'server',
      namespace: NS.discoInfo,
      type: 'get',
      handle(request) {
        noNode(request);
        return writeDiscoInfo({
          identities: [{ category: 'server', type: 'im', name: 'imp-gateway' }],
          features: [NS.discoItems, ...components.features('server')],
        });
      },
    },
    {
      target: 'server',
      namespace: NS.discoItems,
      type: 'get',
      handle(request) {
        noNode(request);
        const items: DiscoItem[] = components.components.flatMap(({ domains, itemName: name }) =>
          name === undefined ? [] : domains.map((domain) => ({ jid: jidOf(null, domain), name })),
        );
        return writeDiscoItems(items);
      },
    },
    {
      target: 'account',
      namespace: NS.discoInfo,
      type: 'get',
      isForOthers: true,
      async handle(request) {
        noNode(request);
        // XEP-0030 8: strangers do not learn whether there is such an account.
        if (!(await needs.isSubscribed(request))) throw new StanzaError('service-unavailable', '');
        return writeDiscoInfo({
          identities: [{ category: 'account', type: 'registered' }],
          features: [NS.discoItems, ...components.features('account')],
        });
      },
    },
    {
      target: 'account',
      namespace: NS.discoItems,
      type: 'get',
      isForOthers: true,
      async handle(request) {
        noNode(request);
        if (!(await needs.isSubscribed(request))) return writeDiscoItems([]);
        const account = request.owner && accounts.find(request.owner.jid.bare);
        return writeDiscoItems([...(account?.available() ?? [])].map(({ jid }) => ({ jid })));
      },
    },
  ];
}
