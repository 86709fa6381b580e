import { ImpError } from '../../../platform/errors.ts';

export type CalendarErrorCode =
  | 'calendar.unreadable' // it is no calendar, or none that we take
  | 'calendar.too-slow'; // it could not be read in its time

/** A feed that says nothing to us. The message never quotes it, nor its address. */
export class CalendarError extends ImpError {
  override readonly name = 'CalendarError';
  declare readonly code: CalendarErrorCode;
  constructor(code: CalendarErrorCode, message: string, options?: { cause?: unknown }) {
    super('invalid', code, message, options);
  }
}
