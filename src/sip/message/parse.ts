import { isUtf8 } from 'node:buffer';
import { malformed, SipError } from '../errors.ts';
import { DEFAULT_SIP_LIMITS, type SipLimits } from '../limits.ts';
import { isToken } from '../values/scan.ts';
import { headerKey, headerName } from './header-names.ts';
import { type HeaderField, Headers } from './headers.ts';
import { NO_BODY, type SipMessage, type SipRequest } from './message.ts';

/** Bytes that are no message of SIP/2.0. */
export class SipParseError extends SipError {
  override readonly name = 'SipParseError';
  /** What could be read of the request, when it may be answered with `answer`; undefined: drop it. */
  readonly request: SipRequest | undefined;
  constructor(error: SipError, request: SipRequest | undefined) {
    super(error.code, error.message, error.answer === undefined ? {} : { answer: error.answer });
    this.request = request;
  }
}

/** Start line and header fields, before anybody knows how long the body is. */
export interface ParsedHead {
  readonly message: SipMessage;
  /** Of a readable Content-Length; undefined when there is none. */
  readonly contentLength: number | undefined;
  /** The first thing that is wrong. Framing may still be right. */
  readonly problem: SipError | undefined;
  /** False when the lines themselves are in doubt, and with them the Content-Length that was read. */
  readonly areLinesClean: boolean;
}

interface Findings {
  readonly problems: SipError[];
  areLinesClean: boolean;
}

const CRLF_CRLF = Buffer.from('\r\n\r\n');

/** Header fields that every message has (RFC 3261 8.1.1; Max-Forwards is missing from RFC 2543 elements, 16.3). */
const REQUIRED: ReadonlySet<string> = new Set(['via', 'from', 'to', 'call-id', 'cseq']);
/** Those that are read at once, in this order. */
const CHECKED = ['via', 'from', 'to', 'call-id', 'cseq', 'content-length', 'max-forwards'] as const;
/** Fields that stand once. */
const SINGLE = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type', 'expires']);

/**
 * Parses one datagram (RFC 3261 18.3): without Content-Length the body goes to the end of it; what is longer than
 * Content-Length says is cut, what is shorter is refused.
 * @throws SipParseError
 */
export function parseDatagram(bytes: Buffer, limits: SipLimits = DEFAULT_SIP_LIMITS): SipMessage {
  if (bytes.length > limits.messageBytes) throw new SipParseError(tooLarge(), undefined);
  let start = 0;
  while (bytes[start] === 13 && bytes[start + 1] === 10) start += 2;
  const end = bytes.indexOf(CRLF_CRLF, start);
  const head = parseHead(bytes.subarray(start, end < 0 ? bytes.length : end), limits);
  if (end < 0) throw failure(head.problem ?? malformed('message', 'no empty line ends the header fields'), head);
  const bodyStart = end + 4;
  const available = bytes.length - bodyStart;
  if (head.problem === undefined && head.contentLength !== undefined && head.contentLength > available) {
    throw failure(malformed('Content-Length header', 'the datagram ends before the body does'), head);
  }
  return finish(head, bytes.subarray(bodyStart, bodyStart + Math.min(head.contentLength ?? available, available)));
}

export function tooLarge(): SipError {
  return new SipError('sip.too-large', 'the message passes the bound', {
    answer: { status: 513, reason: 'Message Too Large' },
  });
}

/** Puts the body to its head. @throws SipParseError when the head has a problem */
export function finish(head: ParsedHead, body: Buffer): SipMessage {
  if (head.problem !== undefined) throw failure(head.problem, head);
  return body.length === 0 ? head.message : { ...head.message, body };
}

/** A problem as an error that tells whether it can be answered: a request with a topmost Via, and no ACK. */
export function failure(problem: SipError, head: ParsedHead): SipParseError {
  const { message } = head;
  let isAnswerable = message.kind === 'request' && message.method !== 'ACK' && problem.answer !== undefined;
  try {
    isAnswerable &&= message.headers.get('via') !== undefined;
  } catch (error) {
    if (!(error instanceof SipError)) throw error;
    isAnswerable = false;
  }
  return new SipParseError(problem, isAnswerable && message.kind === 'request' ? message : undefined);
}

/** Reads start line and header fields; never throws: the first problem is told, and what can be read is read. */
export function parseHead(bytes: Buffer, limits: SipLimits): ParsedHead {
  const findings: Findings = { problems: [], areLinesClean: true };
  const { problems } = findings;
  // RFC 3261 7: the character set is UTF-8. Latin-1 keeps the rest readable for the answer.
  if (!isUtf8(bytes)) problems.push(malformed('message', 'not UTF-8'));
  const text = findings.problems.length === 0 ? bytes.toString('utf8') : bytes.toString('latin1');
  const lineEnd = endOfLine(text, 0, findings);
  const fields = parseFields(text, lineEnd + 2, limits, findings);
  const headers = new Headers(fields);
  const line = text.slice(0, lineEnd);
  const message = parseStartLine(line, headers, problems);
  const contentLength = checkFields(message, fields, problems);
  return { message, contentLength, problem: problems[0], areLinesClean: findings.areLinesClean };
}

/** The place of the next CR LF; a CR or LF alone is a problem, and is passed over. */
function endOfLine(text: string, from: number, findings: Findings): number {
  let at = from;
  for (;;) {
    const feed = text.indexOf('\n', at);
    const end = feed < 0 ? text.length : text.charCodeAt(feed - 1) === 13 ? feed - 1 : -1;
    const carriage = text.indexOf('\r', at);
    const isClean = end >= 0 && (carriage < 0 || carriage >= end);
    if (isClean) return end;
    if (findings.areLinesClean) findings.problems.push(malformed('message', 'a line end that is no CR LF'));
    findings.areLinesClean = false;
    if (end >= 0) return end;
    at = feed + 1;
  }
}

function parseFields(text: string, start: number, limits: SipLimits, findings: Findings): HeaderField[] {
  const { problems } = findings;
  const fields: HeaderField[] = [];
  let at = start;
  while (at < text.length) {
    let end = endOfLine(text, at, findings);
    let isFolded = false;
    for (let next = text.charCodeAt(end + 2); next === 32 || next === 9; next = text.charCodeAt(end + 2)) {
      end = endOfLine(text, end + 2, findings);
      isFolded = true;
    }
    if (fields.length === limits.headers) {
      problems.unshift(tooLarge());
      findings.areLinesClean = false;
      break;
    }
    const field = parseField(text.slice(at, end), isFolded);
    if (field === undefined) {
      problems.push(malformed('header', 'a line without name and colon'));
      findings.areLinesClean = false;
    } else {
      if (end - at > limits.headerLength) problems.push(tooLarge());
      fields.push(field);
    }
    at = end + 2;
  }
  return fields;
}

function parseField(raw: string, isFolded: boolean): HeaderField | undefined {
  const colon = raw.indexOf(':');
  if (colon <= 0) return undefined;
  const name = raw.slice(0, colon).trimEnd();
  if (!isToken(name)) return undefined;
  const value = raw.slice(colon + 1);
  return {
    key: headerKey(name),
    name,
    value: trimSpace(isFolded ? value.replace(/[ \t]*\r\n[ \t]+/g, ' ') : value),
    raw,
    memo: undefined,
  };
}

/** Space and tab only: `trim` would take more from a value that nobody is to change. */
function trimSpace(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from += 1;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

const RESPONSE_LINE = /^SIP\/([0-9]+\.[0-9]+) ([0-9]+)(?: ([\s\S]*))?$/i;
const REQUEST_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[!-;=?-~]+$/;

function parseStartLine(line: string, headers: Headers, problems: SipError[]): SipMessage {
  const response = RESPONSE_LINE.exec(line);
  if (response) {
    const status = Number(response[2]);
    if (response[1] !== '2.0') problems.unshift(malformed('status line', 'another version'));
    else if ((response[2] as string).length !== 3 || status < 100 || status > 699) {
      problems.unshift(malformed('status line', 'no status from 100 to 699'));
    }
    return { kind: 'response', status, reason: response[3] ?? '', headers, body: NO_BODY };
  }
  const parts = line.split(' ');
  const [method = '', uri = '', version = ''] = parts;
  if (parts.length !== 3 || !isToken(method) || !/^SIP\/[0-9]+\.[0-9]+$/i.test(version)) {
    problems.unshift(malformed('request line', 'not method, URI and version with one space between'));
  } else if (!/^SIP\/2\.0$/i.test(version)) {
    problems.unshift(
      new SipError('sip.version', 'a version other than SIP/2.0', {
        answer: { status: 505, reason: 'Version Not Supported' },
      }),
    );
  } else if (!REQUEST_URI.test(uri)) problems.unshift(malformed('Request-URI', 'no URI'));
  return { kind: 'request', method, uri, headers, body: NO_BODY };
}

/** What a transaction stands on is read at once; the rest when it is used. Answers the Content-Length. */
function checkFields(message: SipMessage, fields: readonly HeaderField[], problems: SipError[]): number | undefined {
  const { headers } = message;
  const seen: string[] = [];
  let lengths = 0;
  for (const { key } of fields) {
    if (!SINGLE.has(key)) continue;
    if (key === 'content-length') lengths += 1;
    if (seen.includes(key)) problems.push(malformed(`${headerName(key)} header`, 'it stands twice'));
    seen.push(key);
  }
  let contentLength: number | undefined;
  for (const key of CHECKED) {
    try {
      const value = headers.get(key);
      if (value === undefined && REQUIRED.has(key)) problems.push(missing(headerName(key)));
      if (key === 'content-length' && lengths === 1) contentLength = value as number;
    } catch (error) {
      if (!(error instanceof SipError)) throw error;
      problems.push(error);
    }
  }
  if (message.kind === 'request' && problems.length === 0 && headers.get('cseq')?.method !== message.method) {
    problems.push(malformed('CSeq header', "the method is not the request line's"));
  }
  return contentLength;
}

function missing(name: string): SipError {
  return new SipError('sip.malformed', `no ${name} header`, {
    answer: { status: 400, reason: `Missing ${name} header` },
  });
}
