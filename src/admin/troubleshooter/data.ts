import { isoTime } from '../../platform/clock.ts';
import { type Check, failed, passed, some, warning } from './check.ts';

const LATE_SECONDS = 30;
const LATE_ROWS = 10_000;

export const dataChecks: readonly Check[] = [
  {
    group: 'Services',
    name: 'Activated services run',
    async run({ supervisor }) {
      const services = supervisor.status().filter((each) => each.isActivated);
      const down = services.filter((each) => each.state !== 'Started');
      const worst = down.find((each) => each.reason.code === 'Component is not running') ?? down[0];
      if (!worst) return passed(`${services.length} services are started`);
      const isWaiting = worst.waitingFor !== null;
      const report = isWaiting || worst.reason.code === 'Commanded Out of Service' ? warning : failed;
      return report(
        `not started: ${some(down.map((each) => each.title))}`,
        `${worst.title}: ${worst.reason.text || worst.state}`,
        isWaiting ? 'It starts by itself when what it waits for is there.' : 'Start it in the Control Center.',
      );
    },
  },
  {
    group: 'Services',
    name: 'No service had to be restarted',
    async run({ supervisor }) {
      const again = supervisor.status().filter((each) => each.restartCount > 0);
      if (again.length === 0) return passed('none failed since the node started');
      return warning(
        some(again.map((each) => `${each.title} ${each.restartCount} times`)),
        'it failed and was started again by the supervisor',
        'The log of the node says why; a failure that repeats is a fault.',
      );
    },
  },
  {
    group: 'Sync Agent',
    name: 'CUCM answers, and the first sync is complete',
    async run({ sync, alarms }) {
      const { fullSyncAt, sentence, syncStatus } = sync.overview();
      const away = alarms.active().find(({ name }) => name === 'SyncAgentAXLConnectionFailed');
      if (away) {
        return failed('CUCM does not answer', away.message, 'Check address, user, password and AXL service of CUCM.');
      }
      if (fullSyncAt === null) {
        return failed('no sync is complete', sentence, 'Wait for it, or start one on the Sync page.');
      }
      return passed(syncStatus === '' ? sentence : syncStatus);
    },
  },
  {
    group: 'Sync Agent',
    name: 'Changes in CUCM are followed',
    async run({ sync }) {
      const { state, sentence, errors, lastChangeAt } = sync.overview();
      if (state === 'Degraded') {
        return failed('changes are not followed', sentence, 'CUCM has to be reachable; a full sync sets it right.');
      }
      const last = lastChangeAt === null ? '' : `; the last change was seen at ${isoTime(lastChangeAt)}`;
      if (errors > 0) {
        return warning(
          `${errors} errors since the node started${last}`,
          sentence,
          'The log of the Sync Agent names them.',
        );
      }
      return passed(`${sentence.replace(/\.$/, '')}${last}`);
    },
  },
  {
    group: 'Users',
    name: 'Every enabled and active user has a home node',
    async run({ ids }) {
      const rows = await ids.read
        .selectFrom('enduser')
        .where('deletedat', 'is', null)
        .where('enablecups', '=', 1)
        .where('status', '=', 1)
        .where('primarynodeid', 'is', null)
        .where('peerclusterid', 'is', null)
        .select('userid')
        .orderBy('userid')
        .limit(1_000)
        .execute();
      if (rows.length === 0) return passed('all are assigned');
      return failed(
        `${rows.length === 1_000 ? 'more than 999' : rows.length} without: ${some(rows.map(({ userid }) => userid))}`,
        'they cannot sign in anywhere',
        'Assign them (imp user assign USER --node NODE), or let the assignment mode of CUCM do it.',
      );
    },
  },
  {
    group: 'Users',
    name: 'Directory URIs are valid and belong to one user',
    async run({ sync }) {
      const problems = await sync.userProblems();
      if (problems.length === 0) return passed('all are');
      return warning(
        some(problems.map((each) => `${each.directoryUri || '(empty)'} (${each.problem}: ${some(each.users, 2)})`)),
        'a message to such an address reaches nobody, or the wrong user',
        'Correct them in CUCM or its directory; imp user validate lists all.',
      );
    },
  },
  {
    group: 'Users',
    name: 'Instant messaging addresses belong to one user',
    async run({ ids }) {
      const rows = await ids.read
        .selectFrom('enduser')
        .where('deletedat', 'is', null)
        .where('enablecups', '=', 1)
        .where('imaddress', '!=', '')
        .groupBy('imaddress')
        .having(({ fn }) => fn.countAll<number>(), '>', 1)
        .select('imaddress')
        .orderBy('imaddress')
        .limit(100)
        .execute();
      if (rows.length === 0) return passed('all do');
      return failed(
        `shared: ${some(rows.map(({ imaddress }) => imaddress))}`,
        'two users have one address',
        'Give one of them another user id or directory URI in CUCM.',
      );
    },
  },
  {
    group: 'Change feed',
    name: 'Every consumer keeps up',
    async run({ changeFeed }) {
      const consumers = await changeFeed.consumers();
      const broken = consumers.find(({ failures }) => failures > 0);
      if (broken) {
        return failed(
          `${broken.consumer} failed ${broken.failures} times at the same place`,
          broken.lastError,
          'It goes on by itself when the cause is gone; its service may have to be restarted.',
        );
      }
      const late = consumers.filter((each) => each.lagSeconds > LATE_SECONDS || each.lagRows > LATE_ROWS);
      if (late.length === 0) return passed(`${consumers.length} consumers`);
      const isAway = late.every((each) => !each.isFollowing);
      return warning(
        some(late.map((each) => `${each.consumer} is ${each.lagRows} changes behind`)),
        isAway ? 'its service does not run' : 'it handles changes more slowly than they come',
        isAway ? 'Start the service in the Control Center.' : 'Wait; the Changes page shows who handles what.',
      );
    },
  },
];
