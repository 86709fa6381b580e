/** The HTML pages of AXL. Clients search them: the heading of the welcome page, `HTTP Status 401`, the versions of 599. */

const page = (title: string, body: string): string =>
  `<!DOCTYPE html>\n<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n${body}\n</body>\n</html>\n`;

const HEADING = 'Cisco CallManager: AXL Web Service';

export const welcomePage = page(
  HEADING,
  `<h1>${HEADING}</h1>\n<p>The AXL Web Service is working and accepting requests. Use HTTP POST to send a request.</p>`,
);

/** Reason phrases; clients without an eye for the body show them. */
export const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  599: 'Incorrect axl version',
};

/** The page of a status. `message` comes from code, never from a request. */
export function statusPage(status: number, message = REASONS[status] ?? ''): string {
  const title = `HTTP Status ${status} - ${message}`;
  return page(title, `<h1>${title}</h1>`);
}
