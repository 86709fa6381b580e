import * as soap from 'soap';
import { Agent, request } from 'undici';
import { ImpError } from '../platform/errors.ts';
import { element, textOf, type XmlElement } from '../xml/element.ts';
import { parseEnvelope, type SoapVersion } from './envelope.ts';

export type WsdlCallErrorCode = 'soap.fault' | 'soap.http' | 'soap.unreachable' | 'soap.not-understood';

/** A call of a WSDL-driven client that brought no answer. */
export class WsdlCallError extends ImpError {
  override readonly name = 'WsdlCallError';
  declare readonly code: WsdlCallErrorCode;
  /** The answer, when it was a fault. */
  readonly fault: XmlElement | undefined;
  constructor(code: WsdlCallErrorCode, message: string, options: { fault?: XmlElement; cause?: unknown } = {}) {
    super(code === 'soap.fault' ? 'conflict' : 'unavailable', code, message, options);
    this.fault = options.fault;
  }
}

export interface WsdlClientOptions {
  /** URL or file of the WSDL. */
  readonly wsdl: string;
  /** Where to call; absent: the address in the WSDL. */
  readonly endpoint?: string;
  readonly version?: SoapVersion;
  /** PEM of the authority that verifies the other side; absent: the system's. */
  readonly ca?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Largest answer taken. */
  readonly maxBytes?: number;
}

export interface WsdlClient extends AsyncDisposable {
  /** Names of the operations, as in the WSDL. */
  readonly operations: readonly string[];
  /**
   * Calls an operation with arguments as the `soap` package takes them (`attributes`, `$value`), and header blocks by
   * qualified name of the WSDL's namespace.
   * @throws WsdlCallError
   */
  call(
    operation: string,
    args: object,
    header?: { readonly content: object; readonly namespace: string },
  ): Promise<unknown>;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * A client made from a WSDL: for single calls between clusters and to the Control Center. It goes over undici, so that
 * certificates are verified with our authority, no proxy variable is obeyed, and time and size are bounded.
 */
export async function createWsdlClient(options: WsdlClientOptions): Promise<WsdlClient> {
  const timeout = options.timeoutMs ?? TIMEOUT_MS;
  const agent = new Agent({
    connect: options.ca === undefined ? {} : { ca: options.ca },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxResponseSize: options.maxBytes ?? MAX_BYTES,
  });
  try {
    const client = await soap.createClientAsync(
      options.wsdl,
      {
        httpClient: createHttpClient(agent, options.headers ?? {}),
        disableCache: true,
        forceSoap12Headers: options.version !== '1.1',
      },
      options.endpoint,
    );
    return wrap(client, agent);
  } catch (cause) {
    await agent.destroy();
    throw new WsdlCallError('soap.unreachable', `no client could be made from ${options.wsdl}`, { cause });
  }
}

function wrap(client: soap.Client, agent: Agent): WsdlClient {
  const services = client.describe() as Record<string, Record<string, Record<string, unknown>>>;
  const operations = Object.values(services).flatMap((ports) => Object.values(ports).flatMap(Object.keys));
  return {
    operations,
    async call(operation, args, header) {
      const method: unknown = client[operation];
      if (typeof method !== 'function') throw new Error(`the WSDL has no operation ${operation}`);
      client.clearSoapHeaders();
      if (header) client.addSoapHeader(header.content, '', 'h', header.namespace);
      return await new Promise((resolve, reject) => {
        method(args, (error: unknown, result: unknown, raw: unknown) => {
          if (error) reject(toCallError(operation, error));
          else if (typeof raw === 'string') resolve(result);
          else reject(new WsdlCallError('soap.not-understood', `${operation} brought no answer`));
        });
      });
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

/** What the `soap` package hands over with a failed call. */
interface CallFailure {
  readonly body?: unknown;
  readonly response?: { readonly status?: number };
}

function toCallError(operation: string, error: unknown): WsdlCallError {
  const { body, response } = error as CallFailure;
  const fault = typeof body === 'string' ? faultOf(body) : undefined;
  if (fault) return new WsdlCallError('soap.fault', `${operation} failed: ${reasonOf(fault)}`, { fault, cause: error });
  if (response?.status !== undefined) {
    return new WsdlCallError('soap.http', `${operation} was answered with HTTP ${response.status}`, { cause: error });
  }
  return new WsdlCallError('soap.unreachable', `${operation} could not be called`, { cause: error });
}

function faultOf(body: string): XmlElement | undefined {
  try {
    const { payload } = parseEnvelope(body);
    return payload.local === 'Fault' ? payload : undefined;
  } catch {
    // Not an envelope: a page of some gateway, which the status says more about.
    return undefined;
  }
}

/** SOAP 1.2 `Reason/Text`, SOAP 1.1 `faultstring`. */
function reasonOf(fault: XmlElement): string {
  const reason = element(fault, 'Reason');
  const text = (reason && element(reason, 'Text')) ?? element(fault, 'faultstring');
  return text ? textOf(text) : 'no reason given';
}

type SoapHttpClient = NonNullable<soap.IOptions['httpClient']>;
type SoapResponse = Awaited<ReturnType<SoapHttpClient['request']>>;

function createHttpClient(agent: Agent, headers: Readonly<Record<string, string>>): SoapHttpClient {
  return {
    request(url: string, data: string | null, done, more) {
      const answer = send(agent, url, data, { ...headers, ...(more as Record<string, string> | undefined) });
      answer.then(
        (response) => done(null, response, response.data),
        (error: unknown) => done(error),
      );
      return answer;
    },
  };
}

async function send(
  agent: Agent,
  url: string,
  data: string | null,
  headers: Readonly<Record<string, string>>,
): Promise<SoapResponse> {
  const response = await request(url, {
    method: data === null ? 'GET' : 'POST',
    dispatcher: agent,
    headers: { 'user-agent': 'imp-gateway', ...headers },
    body: data,
  });
  const text = await response.body.text();
  // The package reads these three of the many fields of the response it knows.
  return { status: response.statusCode, headers: response.headers, data: text } as unknown as SoapResponse;
}
