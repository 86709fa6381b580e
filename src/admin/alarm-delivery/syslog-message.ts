import type { AlarmEvent } from '../../platform/alarms.ts';
import { isoTime } from '../../platform/clock.ts';

/** What a syslog message says besides the event. */
export interface SyslogOrigin {
  readonly node: string;
  readonly pid: number;
  readonly facility: number;
}

/** Severity of an alarm that has cleared: notice (RFC 5424 6.2.1). */
const CLEARED = 5;
/** The number that RFC 5612 reserves for those who have none. */
const ENTERPRISE = 32473;
const BOM = '\ufeff';

/** A message of RFC 5424: application is the service, message id the alarm's name. */
export function syslogMessage({ kind, at, alarm }: AlarmEvent, { node, pid, facility }: SyslogOrigin): string {
  const priority = facility * 8 + (kind === 'raised' ? alarm.severity : CLEARED);
  const head = [
    `<${priority}>1`,
    isoTime(at),
    printable(node, 255),
    printable(alarm.service, 48),
    String(pid),
    printable(alarm.name, 32),
  ].join(' ');
  const data = `[alarm@${ENTERPRISE} event="${kind}" severity="${alarm.severity}" count="${alarm.count}" name="${parameter(alarm.name)}"]`;
  const text = alarm.message.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  // RFC 5424 6.4: text that is not ASCII begins with a byte order mark.
  return `${head} ${data} ${/^[\x20-\x7e]*$/.test(text) ? '' : BOM}${text}`;
}

/** Printable ASCII without spaces, or the sign for nothing (RFC 5424 6). */
function printable(text: string, most: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, most) || '-';
}

/** RFC 5424 6.3.3. */
function parameter(text: string): string {
  return text.replaceAll(/["\\\]]/g, (character) => `\\${character}`);
}
