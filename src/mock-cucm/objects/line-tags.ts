import { element, textOf } from '../../xml/element.ts';
import { join, textElement } from '../../xml/write.ts';
import { parseFlag } from '../message/values.ts';
import { computed, group, parts } from './field.ts';
import { childText } from './user-lines.ts';

const forwarded = (column: string, otherwise: string): string =>
  `coalesce((SELECT c.${column} FROM callforwarddynamic c WHERE c.fknumplan = t.pkid), '${otherwise}')`;

/** Where all calls go. What an update leaves out stays as it is. */
export const callForwardAll = group(
  'callForwardAll',
  'aug',
  [
    computed('forwardToVoiceMail', 'aug', forwarded('cfavoicemailenabled', 'f'), 'flag'),
    computed('callingSearchSpaceName', 'aug', forwarded('cfacssname', '')),
    computed('secondaryCallingSearchSpaceName', 'aug', forwarded('cfasecondarycssname', '')),
    computed('destination', 'aug', forwarded('cfadestination', '')),
  ],
  (writing, pkid, sent) => {
    writing.run(
      'INSERT INTO callforwarddynamic (pkid, fknumplan) VALUES (?, ?) ON CONFLICT (fknumplan) DO NOTHING',
      writing.newPkid(),
      pkid,
    );
    const voiceMail = element(sent, 'forwardToVoiceMail');
    const texts = [
      ['cfacssname', 'callingSearchSpaceName'],
      ['cfasecondarycssname', 'secondaryCallingSearchSpaceName'],
      ['cfadestination', 'destination'],
    ] as const;
    for (const [column, tag] of texts) {
      if (!element(sent, tag)) continue;
      writing.run(`UPDATE callforwarddynamic SET ${column} = ? WHERE fknumplan = ?`, childText(sent, tag), pkid);
    }
    if (voiceMail) {
      writing.run(
        'UPDATE callforwarddynamic SET cfavoicemailenabled = ? WHERE fknumplan = ?',
        parseFlag('forwardToVoiceMail', textOf(voiceMail)) ? 't' : 'f',
        pkid,
      );
    }
  },
);

/** Devices that show the line. */
export const lineDevices = parts('associatedDevices', 'g', (reading, pkid) =>
  join(
    reading
      .all<{ name: string }>(
        `SELECT DISTINCT d.name FROM devicenumplanmap m JOIN device d ON d.pkid = m.fkdevice WHERE m.fknumplan = ? ORDER BY d.name`,
        pkid,
      )
      .map((row) => textElement('device', row.name)),
  ),
);
