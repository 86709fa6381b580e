import { createHash } from 'node:crypto';
import { attribute, elements, type XmlElement } from '../../xml/element.ts';
import { el, langOf } from '../elements.ts';
import type { Jid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { type Form, formType, readForm, writeForm } from './forms.ts';

export interface DiscoIdentity {
  readonly category: string;
  readonly type: string;
  readonly name?: string;
  readonly lang?: string;
}

/** What an entity is and can do (XEP-0030 3), with its further particulars (XEP-0128). */
export interface DiscoInfo {
  readonly identities: readonly DiscoIdentity[];
  readonly features: readonly string[];
  readonly forms?: readonly Form[];
}

export interface DiscoItem {
  readonly jid: Jid;
  readonly name?: string;
  readonly node?: string;
}

/** The answer to `disco#info`; the feature itself is always among them (XEP-0030 3.1). */
export function writeDiscoInfo(info: DiscoInfo, node?: string): XmlElement {
  return el(
    NS.discoInfo,
    'query',
    { node },
    ...info.identities.map(({ category, type, name, lang }) =>
      el(NS.discoInfo, 'identity', { category, type, name, 'xml:lang': lang }),
    ),
    ...[...new Set([NS.discoInfo, ...info.features])].map((each) => el(NS.discoInfo, 'feature', { var: each })),
    ...(info.forms ?? []).map(writeForm),
  );
}

/** Reads such an answer; what has no name is left out. @throws XmppError `xmpp.form` */
export function readDiscoInfo(query: XmlElement): DiscoInfo {
  const identities = elements(query, 'identity', NS.discoInfo).map((each): DiscoIdentity => {
    const name = attribute(each, 'name');
    const lang = langOf(each);
    return {
      category: attribute(each, 'category') ?? '',
      type: attribute(each, 'type') ?? '',
      ...(name === undefined ? {} : { name }),
      ...(lang === undefined ? {} : { lang }),
    };
  });
  const features = elements(query, 'feature', NS.discoInfo).flatMap((each) => attribute(each, 'var') ?? []);
  return { identities, features, forms: elements(query, 'x', NS.forms).map(readForm) };
}

export function writeDiscoItems(items: readonly DiscoItem[], node?: string): XmlElement {
  return el(
    NS.discoItems,
    'query',
    { node },
    ...items.map(({ jid, name, node: itemNode }) => el(NS.discoItems, 'item', { jid: jid.full, name, node: itemNode })),
  );
}

/** The verification string of entity capabilities (XEP-0115 5.1): base64 of a hash over all that `info` says. */
export function capsVersion(info: DiscoInfo, hash: 'sha-1' | 'sha-256' = 'sha-1'): string {
  // XEP-0115 sorts by octets ("i;octet"), which the order of UTF-16 units is not.
  const byOctets = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  let text = '';
  for (const each of info.identities.map(identityText).sort(byOctets)) text += `${each}<`;
  for (const each of [...info.features].sort(byOctets)) text += `${each}<`;
  const forms = (info.forms ?? []).filter((form) => formType(form) !== undefined);
  for (const form of forms.sort((a, b) => byOctets(formType(a) ?? '', formType(b) ?? ''))) {
    text += `${formType(form)}<`;
    const fields = form.fields.filter(({ name }) => name !== null && name !== 'FORM_TYPE');
    for (const { name, values } of fields.sort((a, b) => byOctets(a.name ?? '', b.name ?? ''))) {
      text += `${name}<`;
      for (const value of [...values].sort(byOctets)) text += `${value}<`;
    }
  }
  return createHash(hash.replace('-', '')).update(text).digest('base64');
}

function identityText({ category, type, lang = '', name = '' }: DiscoIdentity): string {
  return `${category}/${type}/${lang}/${name}`;
}
