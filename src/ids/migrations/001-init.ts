import { type Kysely, sql } from 'kysely';
import { createTable, createWatchedTable } from './create-table.ts';

/** The first schema. What has landed is never edited: a change is a new migration. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE change_log (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, op TEXT NOT NULL, key TEXT NOT NULL,
        changed TEXT NOT NULL, origin TEXT NOT NULL, requestid TEXT NOT NULL, at INTEGER NOT NULL) STRICT`,
    )
    .execute(db);
  await createTable(db, 'write_context', {
    key: ['id'],
    columns: { id: 'integer', origin: 'text', requestid: 'text' },
  });
  await sql.raw(`INSERT INTO write_context (id, origin, requestid) VALUES (1, 'administrator', '')`).execute(db);
  await createTable(db, 'feed_consumer', {
    key: ['consumer'],
    columns: {
      consumer: 'text',
      seq: 'integer',
      tables: 'text',
      updatedat: 'integer',
      failures: 'integer',
      lasterror: 'text',
    },
  });
  await sql
    .raw(
      `CREATE TABLE feed_acknowledgement (
        id INTEGER PRIMARY KEY AUTOINCREMENT, consumer TEXT NOT NULL, afterseq INTEGER NOT NULL,
        throughseq INTEGER NOT NULL, at INTEGER NOT NULL, note TEXT NOT NULL) STRICT`,
    )
    .execute(db);
  await sql.raw('CREATE INDEX feed_acknowledgement_by_seq ON feed_acknowledgement (throughseq, afterseq)').execute(db);

  await createWatchedTable(db, 'enterprisenode', {
    key: ['id'],
    columns: {
      id: 'integer',
      name: 'text',
      address: 'text',
      subclusterid: 'integer',
      isprimary: 'integer',
      tkhaserverstate: 'integer',
      hareason: 'text',
      version: 'text',
    },
  });
  await createWatchedTable(db, 'enterprisesubcluster', {
    key: ['id'],
    columns: { id: 'integer', name: 'text', description: 'text', haenabled: 'integer' },
  });
  await createWatchedTable(db, 'processnode', {
    key: ['pkid'],
    columns: { pkid: 'text', name: 'text', description: 'text', nodeusage: 'text', role: 'text' },
  });

  await createWatchedTable(db, 'enduser', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      userid: 'text',
      firstname: 'text',
      middlename: 'text',
      lastname: 'text',
      displayname: 'text',
      mailid: 'text',
      department: 'text',
      title: 'text',
      manager: 'text',
      telephonenumber: 'text',
      homenumber: 'text',
      mobilenumber: 'text',
      pagernumber: 'text',
      userlocale: 'text',
      directoryuri: 'text',
      imaddress: 'text',
      xcp_user_id: 'text',
      enablecups: 'integer',
      islocaluser: 'integer',
      status: 'integer',
      enablecalendarpresence: 'integer',
      presencegroup: 'text',
      serviceprofile: 'text',
      primaryextension: 'text',
      primarynodeid: 'integer?',
      tkassignmentstate: 'integer',
      peerclusterid: 'text?',
      peernode: 'text?',
      deletedat: 'integer?',
    },
    indexes: [
      'userid',
      'lower(userid)',
      'imaddress',
      'lower(directoryuri)',
      'primarynodeid',
      'peerclusterid',
      'deletedat',
    ],
  });
  await createWatchedTable(db, 'applicationuser', {
    key: ['pkid'],
    columns: { pkid: 'text', name: 'text', isstandard: 'integer', presencegroup: 'text', deletedat: 'integer?' },
    indexes: ['lower(name)'],
  });
  await createWatchedTable(db, 'dirgroup', {
    key: ['pkid'],
    columns: { pkid: 'text', name: 'text', deletedat: 'integer?' },
    indexes: ['name'],
  });
  await createWatchedTable(db, 'enduserdirgroupmap', {
    key: ['fkenduser', 'fkdirgroup'],
    columns: { fkenduser: 'text', fkdirgroup: 'text' },
    indexes: ['fkdirgroup'],
  });
  await createWatchedTable(db, 'applicationuserdirgroupmap', {
    key: ['fkapplicationuser', 'fkdirgroup'],
    columns: { fkapplicationuser: 'text', fkdirgroup: 'text' },
    indexes: ['fkdirgroup'],
  });
  await createWatchedTable(db, 'enduserproperty', {
    key: ['fkenduser', 'name'],
    columns: { fkenduser: 'text', name: 'text', value: 'text' },
  });
  await createTable(db, 'credentialverifier', {
    key: ['userid', 'kind'],
    columns: { userid: 'text', kind: 'text', salt: 'text', verifier: 'text', verifiedat: 'integer' },
    indexes: ['verifiedat'],
  });

  await createWatchedTable(db, 'device', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      name: 'text',
      description: 'text',
      product: 'text',
      model: 'text',
      protocol: 'text',
      devicepool: 'text',
      owneruserid: 'text',
      allowcticontrol: 'integer',
      dndstatus: 'integer',
      dndoption: 'text',
      deletedat: 'integer?',
    },
    indexes: ['name', 'owneruserid', 'deletedat'],
  });
  await createWatchedTable(db, 'numplan', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      dnorpattern: 'text',
      partition: 'text',
      description: 'text',
      alertingname: 'text',
      deletedat: 'integer?',
    },
    indexes: ['dnorpattern', 'deletedat'],
  });
  await createWatchedTable(db, 'devicenumplanmap', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      fkdevice: 'text',
      fknumplan: 'text',
      numplanindex: 'integer',
      label: 'text',
      display: 'text',
    },
    indexes: ['fkdevice', 'fknumplan'],
  });
  await createWatchedTable(db, 'enduserdevicemap', {
    key: ['pkid'],
    columns: { pkid: 'text', fkenduser: 'text', fkdevice: 'text', tkuserassociation: 'integer' },
    indexes: ['fkenduser', 'fkdevice'],
  });

  await createWatchedTable(db, 'rostergroup', {
    key: ['pkid'],
    columns: { pkid: 'text', fkenduser: 'text', name: 'text', position: 'integer' },
    indexes: ['fkenduser, name'],
  });
  await createWatchedTable(db, 'rosteritem', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      fkenduser: 'text',
      contactuser: 'text',
      contactdomain: 'text',
      nickname: 'text',
      presenceaware: 'integer',
      subscription: 'text',
      ask: 'integer',
    },
    indexes: ['fkenduser, contactuser, contactdomain', 'contactuser, contactdomain'],
  });
  await createWatchedTable(db, 'rosteritemgroup', {
    key: ['fkrosteritem', 'fkrostergroup'],
    columns: { fkrosteritem: 'text', fkrostergroup: 'text', position: 'integer' },
    indexes: ['fkrostergroup'],
  });
  await createWatchedTable(db, 'contactinfo', {
    key: ['fkenduser', 'contactuser', 'contactdomain', 'name'],
    columns: { fkenduser: 'text', contactuser: 'text', contactdomain: 'text', name: 'text', value: 'text' },
  });
  await createWatchedTable(db, 'peuriacl', {
    key: ['fkenduser', 'type', 'watcher'],
    columns: { fkenduser: 'text', watcher: 'text', type: 'text', policy: 'text' },
  });

  await createWatchedTable(db, 'serviceparameter', {
    key: ['node', 'service', 'name'],
    columns: { node: 'text', service: 'text', name: 'text', value: 'text' },
  });
  await createWatchedTable(db, 'imdomain', {
    key: ['domain'],
    columns: { domain: 'text', isdefault: 'integer', isadminmanaged: 'integer' },
  });
  await createWatchedTable(db, 'serviceactivation', {
    key: ['node', 'service'],
    columns: { node: 'text', service: 'text', activated: 'integer' },
  });
  await createTable(db, 'epassyncagentcfg', {
    key: ['id'],
    columns: {
      id: 'integer',
      ccmpublisherip: 'text',
      axluser: 'text',
      syncstatus: 'text',
      state: 'text',
      statedetail: 'text',
      queueid: 'text',
      nextchangeid: 'text',
      fullsyncat: 'integer?',
      lastchangeat: 'integer?',
      progress: 'text',
    },
  });
  await sql.raw(`INSERT INTO epassyncagentcfg (id, state) VALUES (1, 'NeverSynced')`).execute(db);
  await createWatchedTable(db, 'ldapauthenticationhost', {
    key: ['pkid'],
    columns: { pkid: 'text', hostname: 'text', portnumber: 'integer', sslenabled: 'integer' },
  });
  await createWatchedTable(db, 'ucserviceprofile', {
    key: ['pkid'],
    columns: { pkid: 'text', name: 'text', description: 'text', isdefault: 'integer' },
  });
  await createWatchedTable(db, 'staticroute', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      pattern: 'text',
      nexthop: 'text',
      port: 'integer',
      type: 'text',
      transport: 'text',
      priority: 'integer',
      weight: 'integer',
      allowlessspecific: 'integer',
      inservice: 'integer',
      block: 'integer',
    },
  });
  await createWatchedTable(db, 'proxyacl', {
    key: ['pkid'],
    columns: { pkid: 'text', direction: 'text', pattern: 'text', description: 'text' },
  });
  await createWatchedTable(db, 'methodeventroute', {
    key: ['pkid'],
    columns: { pkid: 'text', method: 'text', event: 'text', listener: 'text' },
  });
  await createWatchedTable(db, 'applicationlistener', {
    key: ['pkid'],
    columns: { pkid: 'text', name: 'text', address: 'text', port: 'integer', transport: 'text' },
  });
  await createWatchedTable(db, 'tlspeersubject', {
    key: ['pkid'],
    columns: { pkid: 'text', subject: 'text', description: 'text' },
  });
  await createWatchedTable(db, 'presencegateway', {
    key: ['pkid'],
    columns: { pkid: 'text', type: 'text', description: 'text', gateway: 'text' },
  });
  await createWatchedTable(db, 'federateddomain', {
    key: ['domain'],
    columns: { domain: 'text', policy: 'text', protocol: 'text' },
  });
}
