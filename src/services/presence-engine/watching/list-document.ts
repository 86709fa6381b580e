import { randomText } from '../../../sip/random-text.ts';
import { element, type Markup, textElement, XML_DECLARATION } from '../../../xml/write.ts';
import { MEDIA } from '../names.ts';

/** What is known of one user of a list. */
export interface Instance {
  readonly state: 'active' | 'pending' | 'terminated';
  /** Of a terminated one; '' of any other. */
  readonly reason: string;
  /** The presence document; '' when there is none to show. */
  readonly body: string;
}

export interface ListDocument {
  readonly uri: string;
  readonly version: number;
  /** Every user of the list stands in it. */
  readonly isFull: boolean;
  readonly resources: readonly {
    readonly uri: string;
    readonly name: string;
    /** null: not known yet. */
    readonly instance: Instance | null;
  }[];
}

const RLMI = 'urn:ietf:params:xml:ns:rlmi';
const EOL = '\r\n';

/** The state of a list (RFC 4662 5): the list itself, then a part for each user's document. */
export function writeListDocument({ uri, version, isFull, resources }: ListDocument): {
  readonly contentType: string;
  readonly body: string;
} {
  const boundary = randomText(18);
  // RFC 2387 names the parts; what makes them unlike all others is the boundary.
  const contentId = (part: number): string => `${part}.${boundary}@imp-gateway`;
  const parts: string[] = [];
  const listed = resources.map(({ uri: of, name, instance }): Markup => {
    const content: Markup[] = name === '' ? [] : [textElement('name', name)];
    if (instance !== null) {
      const { state, reason, body } = instance;
      const cid = body === '' ? undefined : contentId(parts.length + 1);
      if (cid !== undefined) parts.push(part(boundary, cid, `${MEDIA.pidf};charset="UTF-8"`, body));
      content.push(element('instance', { id: '1', state, reason: reason === '' ? undefined : reason, cid }));
    }
    return element('resource', { uri: of }, ...content);
  });
  const list = element('list', { xmlns: RLMI, uri, version, fullState: isFull }, ...listed);
  const root = part(boundary, contentId(0), `${MEDIA.rlmi};charset="UTF-8"`, `${XML_DECLARATION}\n${list}`);
  return {
    contentType: `${MEDIA.multipart};type="${MEDIA.rlmi}";start="<${contentId(0)}>";boundary="${boundary}"`,
    body: `${root}${parts.join('')}--${boundary}--${EOL}`,
  };
}

function part(boundary: string, contentId: string, type: string, body: string): string {
  return [
    `--${boundary}`,
    'Content-Transfer-Encoding: binary',
    `Content-ID: <${contentId}>`,
    `Content-Type: ${type}`,
    '',
    body,
    '',
  ].join(EOL);
}
