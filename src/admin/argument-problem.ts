import type { z } from 'zod';

/** What is wrong with one argument, in words for the person who gave it. */
export interface ArgumentProblem {
  /** Name of the argument; '' when it is about all of them. */
  readonly argument: string;
  /** A clause: `is missing`. */
  readonly clause: string;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** The first problem that a schema found, in our own words rather than the library's. */
export function argumentProblem(error: z.ZodError): ArgumentProblem {
  const issue = error.issues[0];
  if (!issue) return { argument: '', clause: 'is not valid' };
  if (issue.code === 'unrecognized_keys') {
    return { argument: issue.keys.join(', '), clause: 'is no argument of this command' };
  }
  return { argument: issue.path.join('.'), clause: clauseOf(issue) };
}

/** Begins every sentence of the library's own. */
const NOT_OURS = /^(?:Invalid|Too )/;

function clauseOf(issue: z.core.$ZodIssue): string {
  // What a declaration says itself fits best.
  if (!NOT_OURS.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && /undefined|NaN/.test(issue.message)
        ? issue.message.endsWith('NaN')
          ? 'must be a number'
          : 'is missing'
        : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      if (issue.origin === 'string')
        return issue.minimum === 1 ? 'is empty' : `has fewer than ${issue.minimum} characters`;
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'string'
        ? `has more than ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}
