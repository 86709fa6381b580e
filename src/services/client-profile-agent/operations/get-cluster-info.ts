import { element, join } from '../../../xml/write.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** The nodes of the cluster and their redundancy groups. Source: documented as a function; the form is ours. */
export const getClusterInfo = sessionOperation({
  name: 'get-cluster-info',
  session: 'any',
  read: readEmpty,
  async run({ ids }) {
    const rows = await ids.read
      .selectFrom('enterprisenode as node')
      .leftJoin('enterprisesubcluster as team', 'team.id', 'node.subclusterid')
      .select(['node.name', 'node.address', 'node.isprimary', 'node.version', 'team.name as group'])
      .orderBy('node.id')
      .execute();
    return join(
      rows.map(({ name, address, isprimary, version, group }) =>
        element('e:node', {
          name,
          address,
          group: group ?? '',
          role: isprimary === 1 ? 'publisher' : 'subscriber',
          version,
        }),
      ),
    );
  },
});
