import type { Selectable } from 'kysely';
import type { Ids } from '../../../ids/ids.ts';
import type { InterclusterPeerRow } from '../../../ids/tables/intercluster.ts';
import type { Clock } from '../../../platform/clock.ts';
import { ImpError } from '../../../platform/errors.ts';
import type { SecretBox } from '../../../platform/secret-box.ts';
import { removePeerRows } from './apply-users.ts';

export type Peer = Selectable<InterclusterPeerRow>;

export interface NewPeer {
  /** Its `/intercluster/soap`, by https. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** PEM; '' trusts what the system trusts. */
  readonly ca: string;
  /** '' as the SIP Proxy's parameter says. */
  readonly sipTransport: 'TCP' | 'UDP' | 'TLS' | '';
}

const PURPOSE = 'intercluster peer';
/** Clusters of one mesh, ours counted. */
const MOST_CLUSTERS = 30;

/** The peers that administrators have added. */
export interface PeerStore {
  list(): Promise<readonly Peer[]>;
  /** Adds a peer, or gives the one with this URL new credentials. @throws ImpError `peer.too-many` */
  add(peer: NewPeer): Promise<Peer>;
  /** By id, URL, cluster id or name of its publisher. @throws ImpError `peer.unknown`, `peer.ambiguous` */
  find(wanted: string): Promise<Peer>;
  /** Removes a peer with all of its users. */
  remove(peer: Peer, pause: () => Promise<void>): Promise<void>;
  /** @throws ImpError `secret-box.wrong-key` */
  passwordOf(peer: Peer): string;
}

export function createPeerStore(ids: Ids, box: SecretBox, clock: Clock): PeerStore {
  const list = async (): Promise<readonly Peer[]> =>
    await ids.read.selectFrom('interclusterpeer').selectAll().orderBy('id').execute();
  return {
    list,
    async add({ url, user, password, ca, sipTransport }) {
      const access = { axluser: user, sealedpassword: box.seal(password, PURPOSE), ca };
      return await ids.transaction('administrator', async (trx) => {
        const peers = await trx.selectFrom('interclusterpeer').select(['id', 'url', 'siptransport']).execute();
        const known = peers.find((peer) => peer.url === url);
        const given = { ...access, siptransport: sipTransport || known?.siptransport || ('' as const) };
        if (!known && peers.length >= MOST_CLUSTERS - 1) {
          throw new ImpError(
            'conflict',
            'peer.too-many',
            `there are ${peers.length} peers, and no more than that work`,
          );
        }
        // Users that are still being removed must not be taken for those of a new peer.
        const used = await trx
          .selectFrom('interclusterpeerstatus')
          .select(({ fn }) => fn.max<number | null>('peerid').as('id'))
          .executeTakeFirst();
        const id = known?.id ?? Math.max(used?.id ?? 0, ...peers.map((peer) => peer.id)) + 1;
        if (known) await trx.updateTable('interclusterpeer').set(given).where('id', '=', id).execute();
        else {
          await trx
            .insertInto('interclusterpeer')
            .values({
              id,
              url,
              ...given,
              clusterid: '',
              name: '',
              version: '',
              firstseenat: null,
              addedat: clock.now(),
            })
            .execute();
          await trx
            .insertInto('interclusterpeerstatus')
            .values({ peerid: id, clusterid: '', sequence: null, users: 0, lastgoodat: null, fullcompareat: null })
            .execute();
        }
        return await trx.selectFrom('interclusterpeer').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      });
    },
    async find(wanted) {
      const peers = await list();
      const exact = peers.find(({ id, url, clusterid }) => [String(id), url, clusterid].includes(wanted));
      if (exact) return exact;
      const named = peers.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
      if (named.length > 1) {
        const which = named.map(({ id, url }) => `${id} (${url})`).join(', ');
        throw new ImpError('conflict', 'peer.ambiguous', `several peers have the name ${wanted}: say ${which}`);
      }
      if (!named[0]) throw new ImpError('not-found', 'peer.unknown', `there is no peer ${wanted}: see imp peer list`);
      return named[0];
    },
    async remove(peer, pause) {
      await ids.transaction('administrator', async (trx) => {
        await removePeerRows(trx, peer.id, pause);
        await trx.deleteFrom('interclusterpeer').where('id', '=', peer.id).execute();
        await trx.deleteFrom('interclusterpeerstatus').where('peerid', '=', peer.id).execute();
      });
    },
    passwordOf: (peer) => box.open(peer.sealedpassword, PURPOSE),
  };
}
