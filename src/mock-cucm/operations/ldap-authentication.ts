import { element, elements, type XmlElement } from '../../xml/element.ts';
import { textElement, element as wrap } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { braced, parseFlag } from '../message/values.ts';
import { returned } from '../message/write-reply.ts';
import { childText } from '../objects/user-lines.ts';
import type { Writing } from '../store/access.ts';
import type { Operation } from './operation.ts';

interface Ldap {
  readonly pkid: string;
  readonly authenticateendusers: string;
  readonly distinguishedname: string;
  readonly usersearchbase: string;
}

interface Host {
  readonly hostname: string;
  readonly portnumber: number;
  readonly sslenabled: string;
}

/** `getLdapAuthentication`: whether passwords are checked by a directory, and which. The password is not told. */
export const getLdapAuthentication: Operation = {
  name: 'getLdapAuthentication',
  isWrite: false,
  run({ store }) {
    const ldap = store.read.get<Ldap>('SELECT * FROM ldapauthentication');
    const hosts = store.read.all<Host>('SELECT * FROM ldapauthenticationhost ORDER BY priority, hostname');
    return returned(
      wrap(
        'ldapAuthentication',
        { uuid: ldap && braced(ldap.pkid) },
        textElement('authenticateEndUsers', ldap?.authenticateendusers === 't'),
        textElement('distinguishedName', ldap?.distinguishedname ?? ''),
        textElement('ldapPassword', ''),
        textElement('userSearchBase', ldap?.usersearchbase ?? ''),
        wrap(
          'servers',
          undefined,
          ...hosts.map((host) =>
            wrap(
              'server',
              undefined,
              textElement('hostName', host.hostname),
              textElement('ldapPortNumber', host.portnumber),
              textElement('sslEnabled', host.sslenabled === 't'),
            ),
          ),
        ),
      ),
    );
  },
};

const TEXTS: Readonly<Record<string, string>> = {
  distinguishedName: 'distinguishedname',
  ldapPassword: 'ldappassword',
  userSearchBase: 'usersearchbase',
};

/** `updateLdapAuthentication`. */
export const updateLdapAuthentication: Operation = {
  name: 'updateLdapAuthentication',
  isWrite: true,
  async run({ store }, payload) {
    const pkid = await store.write((writing) => {
      for (const sent of elements(payload)) {
        const column = TEXTS[sent.local];
        if (column !== undefined) writing.run(`UPDATE ldapauthentication SET ${column} = ?`, valueText(sent));
        else if (sent.local === 'authenticateEndUsers') {
          writing.run(
            'UPDATE ldapauthentication SET authenticateendusers = ?',
            parseFlag(sent.local, valueText(sent)) ? 't' : 'f',
          );
        } else if (sent.local === 'servers') writeHosts(writing, sent);
        else throw new AxlFault(AXL_CODE.invalid, `${sent.local} is not a tag of LdapAuthentication`);
      }
      return writing.get<Ldap>('SELECT * FROM ldapauthentication')?.pkid ?? '';
    });
    return textElement('return', braced(pkid));
  },
};

function writeHosts(writing: Writing, sent: XmlElement): void {
  writing.run('DELETE FROM ldapauthenticationhost');
  for (const [index, server] of elements(sent, 'server').entries()) {
    const ssl = element(server, 'sslEnabled');
    const port = childText(server, 'ldapPortNumber') || '389';
    if (!/^\d{1,5}$/.test(port)) throw new AxlFault(AXL_CODE.invalid, 'The value of ldapPortNumber is not a number');
    writing.run(
      'INSERT INTO ldapauthenticationhost (pkid, hostname, priority, sslenabled, portnumber) VALUES (?, ?, ?, ?, ?)',
      writing.newPkid(),
      childText(server, 'hostName'),
      index + 1,
      ssl && parseFlag('sslEnabled', valueText(ssl)) ? 't' : 'f',
      Number(port),
    );
  }
}
