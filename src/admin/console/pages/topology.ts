import type { TopologyView } from '../../commands/topology.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { badge, dataTable, facts, panel } from '../parts.ts';

export const topologyPage: Page = {
  path: '/topology',
  title: 'Topology',
  section: 'Cluster',
  topics: ['services'],
  async render(call) {
    const topology = await call.show<TopologyView>('topology');
    return {
      live: markup`${topology.groups.map((group) =>
        panel(
          `Presence redundancy group ${group.name}`,
          markup`<p>${group.description}</p><p>High availability: ${group.isHighlyAvailable ? badge('good', 'on') : badge('quiet', 'off')}</p>`,
          markup`<ul class="cards">${group.nodes.map(
            (node) => markup`<li class="card"><h3>${node.name}${node.isThisNode ? ' (this node)' : null}</h3>
<p>${badge('quiet', node.isPublisher ? 'publisher' : 'subscriber')}</p>
${facts([
  ['Address', node.address],
  ['State', `${node.state}${node.reason === '' ? '' : ` (${node.reason})`}`],
  ['Users assigned', node.assignedUsers],
  ['Version', node.version],
])}</li>`,
          )}</ul>`,
        ),
      )}
${topology.unassignedUsers === 0 ? null : markup`<p class="message failed">${topology.unassignedUsers} users have no home node.</p>`}
${panel(
  'Presence domains',
  dataTable(
    'Presence domains',
    ['Domain', ''],
    topology.domains.map((each) => [each.domain, each.isDefault ? badge('good', 'default') : null]),
  ),
)}
${panel(
  'Servers of CUCM',
  dataTable(
    'Servers of CUCM',
    ['Server', 'Role', 'Usage'],
    topology.cucmServers.map((each) => [each.name, each.role, each.usage]),
    'CUCM has not been read yet.',
  ),
)}`,
    };
  },
};
