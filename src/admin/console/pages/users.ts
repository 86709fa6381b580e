import type { UserRow, UserView } from '../../commands/user.ts';
import { markup, NOTHING, path } from '../html.ts';
import type { Page } from '../page.ts';
import { action, badge, dataTable, facts, link, panel, time } from '../parts.ts';

const SHOWN = 50;

export const usersPage: Page = {
  path: '/users',
  title: 'Users',
  section: 'Data',
  topics: [],
  async render(call) {
    const { match = '', after = '' } = call.query;
    const rows = await call.show<readonly UserRow[]>('user list', { match, after, limit: SHOWN + 1 });
    const users = rows.slice(0, SHOWN);
    const last = rows.length > SHOWN ? users.at(-1) : undefined;
    return {
      fixed: markup`<form method="get" action="/admin/users" class="search" role="search"><label for="match">User id or name holds</label>
<input id="match" name="match" type="search" value="${match}" autocapitalize="none" spellcheck="false"><button class="main">Search</button></form>`,
      live: markup`${dataTable(
        'Users',
        ['User', 'Name', 'Address', 'IM and Presence', 'Home node'],
        users.map((user) => [
          link(path`/admin/users/${user.userid}`, user.userid),
          user.name,
          user.imAddress,
          user.isEnabled ? badge('good', 'enabled') : badge('quiet', 'not enabled'),
          user.node ?? badge('quiet', 'none'),
        ]),
        match === '' ? 'There are no users yet.' : 'No user matches.',
      )}<p class="pager">${after === '' ? NOTHING : link(path`/admin/users?match=${match}`, 'From the start', 'button')}
${last ? link(path`/admin/users?match=${match}&after=${last.userid}`, 'More', 'button') : NOTHING}</p>`,
    };
  },
};

interface Phones {
  readonly appearances: readonly {
    readonly device: string;
    readonly line: string;
    readonly kind: string;
    readonly isRegistered: boolean;
  }[];
  readonly next: { readonly device: string; readonly rule: string } | null;
}

/** Everything that is known of a user, on one page. */
export const userPage: Page = {
  path: '/users/:user',
  title: 'User',
  section: null,
  topics: ['changes'],
  async render(call) {
    const { user: userid = '' } = call.params;
    const user = await call.show<UserView>('user show', { user: userid });
    // Remote call control is off unless somebody has switched it on.
    const phones = await call.show<Phones>('rcc list', { user: user.userid }).catch(() => undefined);
    return {
      title: user.name === '' ? user.userid : `${user.name} (${user.userid})`,
      fixed: panel(
        'Home node',
        markup`<p>${user.node === null ? 'This user has no home node.' : `The home node is ${user.node}.`}</p>`,
        user.peerCluster === null
          ? action(call, 'user assign', 'Assign', {
              fields: { user: user.userid },
              inputs: markup`<label for="node">Node (empty takes it away)</label><input id="node" name="node" value="${user.node ?? call.node}">`,
            })
          : NOTHING,
      ),
      live: markup`<div class="grid">
${panel(
  'Person',
  facts([
    ['User id', user.userid],
    ['Address', user.imAddress],
    ['IM and Presence', user.isEnabled ? badge('good', 'enabled') : badge('quiet', 'not enabled')],
    ['In CUCM', user.isActive ? 'active' : 'inactive'],
    ['Assignment', user.assignment],
    ['Cluster', user.peerCluster ?? 'this one'],
    ['Mail', user.mail],
    ['Department', user.department],
    ['Telephone', user.telephoneNumber],
    ['Primary extension', user.primaryExtension],
    ['Directory URI', user.directoryUri],
  ]),
)}
${panel(
  'Presence',
  user.presence === null
    ? markup`<p class="empty">The Presence Datastore is not running.</p>`
    : markup`<p class="figure"><strong>${user.presence.state}</strong> ${user.presence.note}</p>${dataTable(
        'Sources',
        ['Source', 'Kind', 'State', 'Published'],
        user.presence.sources.map((each) => [each.source, each.kind, each.state, time(each.publishedAt)]),
        'Nothing publishes presence for this user.',
      )}`,
)}</div>
${panel(
  'Devices',
  dataTable(
    'Devices',
    ['Device', 'Product', 'Lines', 'Do not disturb'],
    user.devices.map((each) => [each.name, each.product, each.lines.join(', '), each.doNotDisturb ? 'on' : 'off']),
    'No device belongs to this user.',
  ),
  phones === undefined || phones.next === null
    ? NOTHING
    : markup`<p>Remote call control would drive ${phones.next.device} (${phones.next.rule}).</p>`,
)}
${panel(
  'Contacts',
  dataTable(
    'Contacts',
    ['Address', 'Nickname', 'Groups'],
    user.contacts.map((each) => [each.address, each.nickname, each.groups.join(', ')]),
    'The contact list is empty.',
  ),
)}
${panel('Access control groups', user.groups.length === 0 ? markup`<p class="empty">None.</p>` : markup`<ul>${user.groups.map((group) => markup`<li>${group}</li>`)}</ul>`)}`,
    };
  },
};
