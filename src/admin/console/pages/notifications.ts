import type { NotificationView } from '../../commands/notifications.ts';
import type { AlarmView } from '../../commands/status.ts';
import { markup, path } from '../html.ts';
import type { Page } from '../page.ts';
import { badge, dataTable, link, panel, type Tone, time } from '../parts.ts';

const TONES: Readonly<Record<NotificationView['severity'], Tone>> = { high: 'bad', medium: 'busy', low: 'quiet' };

export const notificationsPage: Page = {
  path: '/notifications',
  title: 'Notifications and Alarms',
  section: 'Node',
  topics: ['alarms'],
  async render(call) {
    const [notifications, alarms] = await Promise.all([
      call.show<readonly NotificationView[]>('notifications', { all: true }),
      call.show<readonly AlarmView[]>('alarms'),
    ]);
    const standing = notifications.filter(({ clearedAt }) => clearedAt === null);
    const cleared = notifications.filter(({ clearedAt }) => clearedAt !== null);
    return {
      live: markup`
${panel(
  'What needs a person',
  dataTable(
    'Notifications that stand',
    ['Severity', 'Node', 'Service', 'Since', 'What to do'],
    standing.map((each) => [
      badge(TONES[each.severity], each.severity),
      each.node,
      link(path`/admin/control-center` + path`#service-${each.service}`, each.service),
      time(each.raisedAt),
      each.text,
    ]),
    'Nothing needs a person.',
  ),
)}
${panel(
  'Alarms',
  dataTable(
    'Alarms that are raised',
    ['Severity', 'Alarm', 'Service', 'Since', 'Last', 'Count', 'Message'],
    alarms.map((each) => [
      badge(each.severity < 4 ? 'bad' : 'busy', String(each.severity)),
      each.name,
      each.service,
      time(each.raisedAt),
      time(each.lastAt),
      each.count,
      each.message,
    ]),
    'No alarm is raised.',
  ),
)}
${panel(
  'Cleared notifications',
  dataTable(
    'Notifications that have cleared',
    ['Service', 'Raised', 'Cleared', 'By', 'Text'],
    cleared.map((each) => [each.service, time(each.raisedAt), time(each.clearedAt), each.clearedBy, each.text]),
    'None yet.',
  ),
)}`,
    };
  },
};
