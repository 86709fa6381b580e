import { ImpError } from '../../platform/errors.ts';
import { attribute, type XmlElement } from '../../xml/element.ts';
import { XmlError } from '../../xml/errors.ts';
import { DEFAULT_XML_LIMITS } from '../../xml/limits.ts';
import { createTreeBuilder, createXmlStream } from '../../xml/parse.ts';
import { attributeText } from '../../xml/write.ts';
import { translate } from '../framing.ts';
import { NS } from '../namespaces.ts';
import type { StreamHeader } from '../stream-header.ts';

const XML = 'http://www.w3.org/XML/1998/namespace';

/** Why a session ends, as XEP-0124 section 17.2 names it. */
export type TerminalCondition =
  | 'bad-request'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'item-not-found'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'remote-stream-error'
  | 'system-shutdown';

/** A request that cannot be taken: ends the session. */
export class BoshError extends ImpError {
  override readonly name = 'BoshError';
  readonly condition: TerminalCondition;
  constructor(condition: TerminalCondition, message: string) {
    super('invalid', `bosh.${condition}`, message);
    this.condition = condition;
  }
}

/** A `<body/>` that came from a client (XEP-0124 section 7 and 8, XEP-0206). */
export interface BoshBody {
  readonly rid: number;
  readonly sid: string | null;
  readonly isTermination: boolean;
  /** XEP-0206: the stream begins anew, after the sign-in. */
  readonly isRestart: boolean;
  readonly header: StreamHeader;
  /** Seconds. */
  readonly wait: number;
  readonly hold: number;
  readonly version: string;
  readonly elements: readonly XmlElement[];
}

/** The largest number that XEP-0124 7.1 allows for a request. */
const MAX_RID = 2 ** 53 - 1;

/** @throws BoshError `bad-request` */
export function readBoshBody(text: string): BoshBody {
  const root = parse(text);
  if (root.uri !== NS.httpBind || root.local !== 'body') throw new BoshError('bad-request', 'a request holds a body');
  const rid = whole(root, 'rid');
  if (rid === undefined || rid > MAX_RID) throw new BoshError('bad-request', 'a request has a rid');
  const elements: XmlElement[] = [];
  for (const child of root.children) {
    if (typeof child !== 'string') elements.push(translate(child, NS.httpBind, NS.client));
    else if (child.trim() !== '') throw new BoshError('bad-request', 'text stands between stanzas');
  }
  return {
    rid,
    sid: attribute(root, 'sid') ?? null,
    isTermination: attribute(root, 'type') === 'terminate',
    isRestart: attribute(root, 'restart', NS.xbosh) === 'true',
    header: {
      to: attribute(root, 'to') ?? null,
      from: attribute(root, 'from') ?? null,
      id: null,
      version: attribute(root, 'version', NS.xbosh) ?? '1.0',
      lang: attribute(root, 'lang', XML) ?? null,
    },
    wait: whole(root, 'wait') ?? 0,
    hold: whole(root, 'hold') ?? 1,
    version: attribute(root, 'ver') ?? '1.6',
    elements,
  };
}

function whole(root: XmlElement, name: string): number | undefined {
  const said = attribute(root, name);
  if (said === undefined) return undefined;
  if (!/^\d{1,16}$/.test(said)) throw new BoshError('bad-request', `${name} is a whole number`);
  return Number(said);
}

function parse(text: string): XmlElement {
  let root: XmlElement | undefined;
  const builder = createTreeBuilder((done) => {
    root = done;
  });
  try {
    const xml = createXmlStream(builder, DEFAULT_XML_LIMITS, { refuseComments: true });
    xml.write(text);
    xml.end();
  } catch (error) {
    if (error instanceof XmlError) throw new BoshError('bad-request', error.message);
    throw error;
  }
  if (root === undefined) throw new BoshError('bad-request', 'a request holds a body');
  return root;
}

/** What goes to the client: stanzas that say their own namespaces, in a body with these attributes. */
export function writeBoshBody(
  attributes: Readonly<Record<string, string | number | undefined>>,
  inner: string,
): string {
  let written = `<body xmlns="${NS.httpBind}" xmlns:xmpp="${NS.xbosh}" xmlns:stream="${NS.stream}"`;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) written += ` ${name}="${attributeText(value)}"`;
  }
  return inner === '' ? `${written}/>` : `${written}>${inner}</body>`;
}

/** The last body of a session. */
export function terminateBody(condition?: TerminalCondition, inner = ''): string {
  return writeBoshBody({ type: 'terminate', condition }, inner);
}
