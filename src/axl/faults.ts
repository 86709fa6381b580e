import { element, elements, textOf, type XmlElement } from '../xml/element.ts';
import { AxlError } from './errors.ts';

const TOO_LARGE = /Total rows matched: (\d+) rows\. Suggest(?:ive|ed) Row Fetch: less than (\d+)/i;

/** The `…Response` element of an answer. @throws AxlError what a fault says, or `axl.garbage` */
export function responseOf(root: XmlElement | undefined, operation: string, host: string): XmlElement {
  const body = root && element(root, 'Body');
  const response = body && elements(body)[0];
  if (response?.local === `${operation}Response`) return response;
  if (response?.local === 'Fault') throw fromFault(response, host);
  throw new AxlError('axl.garbage', `${host} sent an answer to ${operation} that is no AXL`);
}

function fromFault(fault: XmlElement, host: string): AxlError {
  const text = (parent: XmlElement | undefined, name: string): string => {
    const found = parent && element(parent, name);
    return found ? textOf(found).trim() : '';
  };
  const detail = element(fault, 'detail');
  const axlError = detail && elements(detail).find((child) => child.local === 'axlError');
  const message = text(axlError, 'axlmessage') || text(fault, 'faultstring');
  const axlCode = Number(text(axlError, 'axlcode') || Number.NaN);
  const tooLarge = TOO_LARGE.exec(message);
  if (tooLarge) {
    return new AxlError('axl.too-large', message, {
      axlCode,
      totalRows: Number(tooLarge[1]),
      suggestedRows: Number(tooLarge[2]),
    });
  }
  // The sum of all answers in progress: the same request succeeds later.
  if (/Maximum AXL Memory Allocation Consumed/i.test(message)) {
    return new AxlError('axl.throttled', `${host}: ${message}`, { axlCode });
  }
  return new AxlError('axl.fault', `${host} refused: ${message}`, Number.isNaN(axlCode) ? {} : { axlCode });
}

/** What an HTTP status that is no answer means. */
export function fromStatus(
  status: number,
  page: string,
  retryAfter: string | string[] | undefined,
  host: string,
  user: string,
): AxlError {
  switch (status) {
    case 401:
      return new AxlError('axl.unauthorized', `${host} refuses the password of ${user}`);
    case 403:
      return new AxlError('axl.forbidden', `${user} has no AXL role on ${host}`);
    case 404:
      return new AxlError('axl.not-found', `the AXL service of ${host} is not running`);
    case 503: {
      const seconds = Number(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter);
      return new AxlError(
        'axl.throttled',
        `${host} asks for patience`,
        seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {},
      );
    }
    case 599: {
      const versions = /Supported axl versions are ([^<]+)/.exec(page)?.[1]?.trim();
      return new AxlError('axl.version', `${host} does not speak our AXL version; it speaks ${versions ?? 'others'}`);
    }
    default:
      return new AxlError('axl.garbage', `${host} answered HTTP ${status}`);
  }
}
