import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields that hold secrets wherever they stand; the logger masks them, so that no caller has to remember. */
const SECRET_FIELDS = [
  'password',
  'pin',
  'axlPassword',
  'sessionKey',
  'session-key',
  'token',
  'authorization',
  'cookie',
  'set-cookie',
  'digestCredentials',
];

/**
 * The node's logger. Rooms take a child by subsystem (`log.child({ subsystem: 'sync-agent' })`); fields first, then a
 * sentence that never changes: `log.info({ users, ms }, 'full sync finished')`.
 */
export function createLog(options: { level: LogLevel; destination?: DestinationStream; node?: string }): Log {
  return pino(
    {
      level: options.level,
      base: options.node === undefined ? null : { node: options.node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]),
        censor: '***',
      },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
