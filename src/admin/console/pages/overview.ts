import type { Status } from '../../commands/status.ts';
import { markup } from '../html.ts';
import type { Page } from '../page.ts';
import { badge, dataTable, duration, facts, link, panel, stateBadge, time } from '../parts.ts';

export const overviewPage: Page = {
  path: '/',
  title: 'Overview',
  section: 'Node',
  topics: ['services', 'alarms', 'sync', 'changes'],
  async render(call) {
    const status = await call.show<Status>('status');
    const activated = status.services.filter(({ isActivated }) => isActivated);
    const down = activated.filter(({ state }) => state !== 'Started');
    const late = status.feed.filter(({ lagRows, failures }) => lagRows > 0 || failures > 0);
    return {
      live: markup`
<p class="verdict ${status.isWell ? 'good' : 'bad'}" role="status">${badge(status.isWell ? 'good' : 'bad', status.isWell ? 'Well' : 'Not well')} <span>${status.sentence}</span></p>
<div class="grid">
${panel(
  'Node',
  facts([
    ['Node', status.node],
    ['Domain', status.domain],
    ['Version', status.version],
    ['Ready', status.ready ? badge('good', 'ready') : badge('busy', 'not ready')],
    ['Up', duration(status.upTimeSeconds)],
  ]),
)}
${panel(
  'Services',
  markup`<p class="figure"><strong>${activated.length - down.length}</strong> of ${activated.length} started</p>`,
  down.length === 0
    ? null
    : markup`<ul class="plain">${down.map((each) => markup`<li>${stateBadge(each)} ${each.title}<br><small>${each.reason}</small></li>`)}</ul>`,
  markup`<p>${link('/admin/control-center', 'Control Center')}</p>`,
)}
${panel(
  'Sync with CUCM',
  facts([
    ['State', status.sync.state],
    ['Last full sync', time(status.sync.fullSyncAt)],
    ['Last change', time(status.sync.lastChangeAt)],
    ['Errors', status.sync.errors],
  ]),
  markup`<p>${status.sync.sentence}</p><p>${link('/admin/sync', 'Sync')}</p>`,
)}
${panel(
  'Users',
  markup`<p class="figure"><strong>${status.users.enabled}</strong> enabled</p><p class="figure"><strong>${status.users.assigned}</strong> with a home node</p>`,
  markup`<p>${link('/admin/users', 'Users')}</p>`,
)}
${panel(
  'Change feed',
  late.length === 0
    ? markup`<p>${badge('good', 'keeps up')} ${status.feed.length} consumers</p>`
    : dataTable(
        'Consumers that are behind',
        ['Consumer', 'Behind'],
        late.map((each) => [
          each.consumer,
          each.failures > 0 ? `failed ${each.failures} times` : `${each.lagRows} changes`,
        ]),
      ),
  markup`<p>${link('/admin/changes', 'Changes')}</p>`,
)}
${panel(
  'Cluster',
  facts([
    ['Replication', `${status.replication.state} (${status.replication.sentence})`],
    ['High availability', `${status.highAvailability.state} (${status.highAvailability.reason})`],
  ]),
)}
</div>
${panel(
  'Alarms',
  dataTable(
    'Alarms that are raised',
    ['Severity', 'Alarm', 'Service', 'Since', 'Message'],
    status.alarms.map((each) => [each.severity, each.name, each.service, time(each.raisedAt), each.message]),
    'No alarm is raised.',
  ),
)}`,
    };
  },
};
