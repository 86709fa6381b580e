import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../platform/clock.ts';
import { HttpBodyError } from '../../platform/http-body.ts';
import { ENVELOPE_NAMESPACE, isMustUnderstand } from '../../soap/envelope.ts';
import { attribute, elements, textOf, type XmlElement } from '../../xml/element.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { createTreeBuilder, createXmlStream } from '../../xml/parse.ts';
import { AXL_CODE, AxlFault } from './axl-fault.ts';

/** One AXL request. */
export interface AxlRequest {
  readonly operation: string;
  /** Of the payload's namespace: `14.0`; undefined when it is not AXL's. */
  readonly version: string | undefined;
  readonly sequence: string | undefined;
  readonly payload: XmlElement;
}

/** AXL takes 8 MiB, its clients send long lists. */
const MOST_BYTES = 8 * 1024 * 1024;
const BODY_MS = 60_000;
const LIMITS: XmlLimits = { depth: 64, elements: 500_000, attributesPerElement: 64 };
const AXL_NAMESPACE = /^http:\/\/www\.cisco\.com\/AXL\/API\/(\d+\.\d+)$/;
const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * Reads an envelope as it arrives: nothing of the body is kept but its tree.
 * @throws HttpBodyError, XmlError, AxlFault 5005
 */
export async function readRequest(request: IncomingMessage, clock: Clock): Promise<AxlRequest> {
  return requestOf(await readTree(request, clock));
}

async function readTree(request: IncomingMessage, clock: Clock): Promise<XmlElement> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new HttpBodyError('http.body-encoding', 415, 'an encoded request body is not accepted');
  }
  let root: XmlElement | undefined;
  const stream = createXmlStream(
    createTreeBuilder((done) => {
      root = done;
    }),
    LIMITS,
  );
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  let hasBegun = false;
  const feed = (text: string): void => {
    // Hand-written requests may begin with blank lines.
    const clean = hasBegun ? text : text.trimStart();
    if (clean === '') return;
    hasBegun = true;
    stream.write(clean);
  };
  let isLate = false;
  using _timer = clock.schedule(BODY_MS, () => {
    isLate = true;
    request.destroy();
  });
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) {
        throw new HttpBodyError('http.body-too-large', 413, `the request is larger than ${MOST_BYTES} bytes`);
      }
      feed(decode(decoder, chunk));
    }
  } catch (error) {
    if (isLate) throw new HttpBodyError('http.body-timeout', 408, 'the request did not arrive in time');
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') {
      throw new HttpBodyError('http.body-aborted', 400, 'the request was cut off');
    }
    throw error;
  }
  feed(decode(decoder));
  stream.end();
  if (!root) throw new AxlFault(AXL_CODE.malformed, 'The request is empty', 'Client');
  return root;
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Buffer): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch {
    throw new AxlFault(AXL_CODE.malformed, 'The request is not UTF-8', 'Client');
  }
}

function requestOf(root: XmlElement): AxlRequest {
  if (root.local !== 'Envelope' || root.uri !== ENVELOPE_NAMESPACE['1.1']) {
    throw new AxlFault(AXL_CODE.malformed, 'The request is not a SOAP 1.1 envelope', 'Client');
  }
  for (const header of elements(root, 'Header', root.uri)) {
    for (const block of elements(header)) {
      if (isMustUnderstand(block, '1.1')) {
        throw new AxlFault(AXL_CODE.malformed, `The header ${block.local} is not understood`, 'Client');
      }
    }
  }
  const payloads = elements(root, 'Body', root.uri).flatMap((body) => elements(body));
  const payload = payloads[0];
  if (payload === undefined || payloads.length !== 1) {
    throw new AxlFault(AXL_CODE.malformed, 'The envelope must hold one request', 'Client');
  }
  const sequence = attribute(payload, 'sequence')?.trim();
  return {
    operation: payload.local,
    version: AXL_NAMESPACE.exec(payload.uri)?.[1],
    // `?` is what request generators leave behind.
    sequence: sequence !== undefined && /^\d{1,20}$/.test(sequence) ? sequence : undefined,
    payload,
  };
}

/** Text of a tag; `xsi:nil` is empty. */
export function valueText(tag: XmlElement): string {
  return secretText(tag).trim();
}

/** The same with the blanks that a password may begin or end with. */
export function secretText(tag: XmlElement): string {
  const nil = attribute(tag, 'nil', XSI)?.trim().toLowerCase();
  return nil === 'true' || nil === '1' ? '' : textOf(tag);
}
