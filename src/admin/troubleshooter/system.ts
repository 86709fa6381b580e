import { lookup } from 'node:dns/promises';
import { statfs } from 'node:fs/promises';
import { isIP } from 'node:net';
import { describeError } from '../../platform/errors.ts';
import { type Check, failed, passed, some, warning } from './check.ts';

const GIBIBYTE = 1024 ** 3;
const LOOKUP_MS = 3_000;

export const systemChecks: readonly Check[] = [
  {
    group: 'System',
    name: 'The node is ready',
    async run({ node, supervisor }) {
      if (node.isReady()) return passed('initial sync complete, every activated service started, listeners open');
      const waiting = supervisor.status().filter((each) => each.isActivated && each.state !== 'Started');
      return failed(
        'the node is not ready',
        waiting.length === 0 ? 'it has just started' : `not started: ${some(waiting.map((each) => each.title))}`,
        'See Control Center for what each of them waits for.',
      );
    },
  },
  {
    group: 'System',
    name: 'The disk has room',
    async run({ node }) {
      const { bavail, bsize, blocks } = await statfs(node.dataFolder);
      const free = bavail * bsize;
      const sentence = `${(free / GIBIBYTE).toFixed(1)} GiB free of ${((blocks * bsize) / GIBIBYTE).toFixed(1)} GiB`;
      if (free > GIBIBYTE) return passed(sentence);
      const fix = `Make room on the file system of ${node.dataFolder}.`;
      const cause = 'a full disk stops the sync and every change of the configuration';
      return free > GIBIBYTE / 10 ? warning(sentence, cause, fix) : failed(sentence, cause, fix);
    },
  },
  {
    group: 'System',
    name: 'No alarm is raised',
    async run({ alarms }) {
      const active = alarms.active().toSorted((a, b) => a.severity - b.severity);
      const worst = active[0];
      if (!worst) return passed('no alarm');
      const found = some(active.map((each) => `${each.name} (${each.service})`));
      const report = worst.severity < 4 ? failed : warning;
      return report(
        found,
        worst.message,
        'See Notifications for all of them; each clears itself when its cause is gone.',
      );
    },
  },
  {
    group: 'System',
    name: 'Nothing waits for a person',
    async run({ notifications }) {
      const active = notifications.active();
      const first = active[0];
      if (!first) return passed('no notification stands');
      return warning(
        `${active.length} notification${active.length === 1 ? '' : 's'}`,
        first.text,
        'Do what the notification says; it clears itself afterwards.',
      );
    },
  },
  {
    group: 'Topology',
    name: 'Names of nodes and of CUCM resolve',
    async run({ ids }) {
      const [nodes, servers] = await Promise.all([
        ids.read.selectFrom('enterprisenode').select('address').execute(),
        ids.read.selectFrom('processnode').select('name').where('name', '!=', 'EnterpriseWideData').execute(),
      ]);
      const names = [...new Set([...nodes.map(({ address }) => address), ...servers.map(({ name }) => name)])];
      const wanted = names.filter((name) => name !== '' && isIP(name) === 0);
      const unknown: string[] = [];
      let cause = '';
      await Promise.all(
        wanted.map(async (name) => {
          try {
            await resolves(name);
          } catch (error) {
            unknown.push(name);
            cause ||= describeError(error);
          }
        }),
      );
      if (unknown.length === 0) return passed(wanted.length === 0 ? 'every address is numeric' : some(wanted));
      return warning(
        `not resolved: ${some(unknown.toSorted())}`,
        cause,
        'Add them to DNS, or to the hosts file of this machine. A mock CUCM stands under no name.',
      );
    },
  },
  {
    group: 'Topology',
    name: 'The IDS replicates',
    async run({ replication }) {
      if (replication.state === 2) return passed(replication.sentence);
      return failed(
        `replication state ${replication.state}`,
        replication.sentence,
        'State 2 is good. See the database of the node and its link to the publisher.',
      );
    },
  },
  {
    group: 'Topology',
    name: 'Every redundancy group of two nodes is highly available',
    async run({ ids }) {
      const groups = await ids.read
        .selectFrom('enterprisesubcluster as group')
        .innerJoin('enterprisenode as node', 'node.subclusterid', 'group.id')
        .groupBy(['group.id', 'group.name', 'group.haenabled'])
        .select(({ fn }) => ['group.name as name', 'group.haenabled as ha', fn.countAll<number>().as('nodes')] as const)
        .execute();
      const off = groups.filter(({ ha, nodes }) => Number(nodes) > 1 && ha !== 1).map(({ name }) => name);
      if (off.length === 0) return passed(groups.some(({ nodes }) => Number(nodes) > 1) ? 'on' : 'one node to a group');
      return warning(
        `off in ${some(off)}`,
        'two nodes are healthy, and neither would take the other’s users over',
        'Enable high availability of the group.',
      );
    },
  },
  {
    group: 'Certificates',
    name: 'Certificates are valid for a while',
    async run({ certificates }) {
      const all = await certificates.list();
      const soonest = all.toSorted((a, b) => a.daysLeft - b.daysLeft)[0];
      if (!soonest) return passed('none is kept here');
      const found = `${soonest.name} is valid for ${soonest.daysLeft} more days`;
      if (soonest.daysLeft > 30) return passed(found);
      const fix =
        soonest.name === 'ca' ? 'Import a new authority.' : 'Renew it on the Certificates page, or: imp certs renew';
      const cause = 'clients refuse to connect once it has expired';
      return soonest.daysLeft > 7 ? warning(found, cause, fix) : failed(found, cause, fix);
    },
  },
];

async function resolves(name: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: no answer in ${LOOKUP_MS / 1000} s`)), LOOKUP_MS);
  });
  try {
    await Promise.race([lookup(name), late]);
  } finally {
    clearTimeout(timer);
  }
}
