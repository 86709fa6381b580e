import { type Kysely, sql } from 'kysely';
import { createTable, createWatchedTable } from './create-table.ts';

/** Peer clusters, and what was read from them beside their users, who stand in `enduser`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWatchedTable(db, 'interclusterpeer', {
    key: ['id'],
    columns: {
      id: 'integer',
      url: 'text',
      axluser: 'text',
      sealedpassword: 'text',
      ca: 'text',
      siptransport: 'text',
      clusterid: 'text',
      name: 'text',
      version: 'text',
      firstseenat: 'integer?',
      addedat: 'integer',
    },
  });
  await createTable(db, 'interclusterpeerstatus', {
    key: ['peerid'],
    columns: {
      peerid: 'integer',
      clusterid: 'text',
      sequence: 'integer?',
      users: 'integer',
      lastgoodat: 'integer?',
      fullcompareat: 'integer?',
    },
  });
  await createTable(db, 'interclusteruser', {
    key: ['peerid', 'remotepkid'],
    columns: {
      peerid: 'integer',
      remotepkid: 'text',
      pkid: 'text',
      useridlower: 'text',
      run: 'integer',
      userid: 'text',
      firstname: 'text',
      lastname: 'text',
      displayname: 'text',
      mailid: 'text',
      department: 'text',
      title: 'text',
      telephonenumber: 'text',
      mobilenumber: 'text',
      directoryuri: 'text',
      imaddress: 'text',
      xcp_user_id: 'text',
      peernode: 'text',
    },
    indexes: ['useridlower', 'pkid'],
  });
  await createWatchedTable(db, 'interclusternode', {
    key: ['peerid', 'name'],
    columns: {
      peerid: 'integer',
      name: 'text',
      address: 'text',
      subcluster: 'text',
      haenabled: 'integer',
      isprimary: 'integer',
      tkhaserverstate: 'integer',
      version: 'text',
      httpsport: 'integer',
      sipport: 'integer',
      siptlsport: 'integer',
      routerport: 'integer',
    },
  });
  await createWatchedTable(db, 'interclusterdomain', {
    key: ['peerid', 'domain'],
    columns: { peerid: 'integer', domain: 'text', isdefault: 'integer' },
  });
  await createWatchedTable(db, 'interclustercertificate', {
    key: ['peerid', 'fingerprint'],
    columns: { peerid: 'integer', fingerprint: 'text', kind: 'text', node: 'text', pem: 'text' },
  });
  await createWatchedTable(db, 'tcaliases', {
    key: ['peerclusterid', 'tcalias'],
    columns: {
      peerclusterid: 'text',
      tcalias: 'text',
      isprimary: 'integer',
      fkprocessnode: 'text',
      originalfkprocessnode: 'text',
    },
  });
  // Users of this cluster that peers are told of, in the order of paging: the table may hold many more of peers.
  await sql
    .raw('CREATE INDEX enduser_told_to_peers ON enduser (peerclusterid, enablecups, status, deletedat, pkid)')
    .execute(db);
}
