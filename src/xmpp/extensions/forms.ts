import { attribute, element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { childText, el } from '../elements.ts';
import { XmppError } from '../errors.ts';
import { NS } from '../namespaces.ts';

export type FieldType =
  | 'boolean'
  | 'fixed'
  | 'hidden'
  | 'jid-multi'
  | 'jid-single'
  | 'list-multi'
  | 'list-single'
  | 'text-multi'
  | 'text-private'
  | 'text-single';

export interface FormField {
  /** Its name; null only for `fixed` text. */
  readonly name: string | null;
  readonly type?: FieldType;
  readonly label?: string;
  readonly values: readonly string[];
  readonly options?: readonly { readonly label: string; readonly value: string }[];
  readonly isRequired?: boolean;
}

export interface Form {
  readonly type: 'form' | 'submit' | 'cancel' | 'result';
  readonly title?: string;
  readonly instructions?: string;
  readonly fields: readonly FormField[];
}

const FIELD_TYPES: ReadonlySet<string> = new Set([
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
]);

/** A data form (XEP-0004). */
export function writeForm(form: Form): XmlElement {
  const said = (name: string, text: string | undefined): readonly XmlElement[] =>
    text === undefined ? [] : [el(NS.forms, name, {}, text)];
  return el(
    NS.forms,
    'x',
    { type: form.type },
    ...said('title', form.title),
    ...said('instructions', form.instructions),
    ...form.fields.map(writeField),
  );
}

function writeField(field: FormField): XmlElement {
  return el(
    NS.forms,
    'field',
    { var: field.name, type: field.type, label: field.label },
    ...(field.isRequired === true ? [el(NS.forms, 'required')] : []),
    ...field.values.map((value) => el(NS.forms, 'value', {}, value)),
    ...(field.options ?? []).map(({ label, value }) =>
      el(NS.forms, 'option', { label }, el(NS.forms, 'value', {}, value)),
    ),
  );
}

/** The name under which a form is known (XEP-0068). */
export function formType(form: Form): string | undefined {
  return form.fields.find(({ name }) => name === 'FORM_TYPE')?.values[0];
}

/** A field that says which form it is. */
export function formTypeField(name: string): FormField {
  return { name: 'FORM_TYPE', type: 'hidden', values: [name] };
}

/** Reads `<x xmlns='jabber:x:data'>`. @throws XmppError `xmpp.form` */
export function readForm(source: XmlElement): Form {
  const type = attribute(source, 'type');
  if (source.uri !== NS.forms || (type !== 'form' && type !== 'submit' && type !== 'cancel' && type !== 'result')) {
    throw new XmppError('xmpp.form', 'the element is not a data form');
  }
  const title = childText(source, 'title');
  const instructions = childText(source, 'instructions');
  return {
    type,
    ...(title === undefined ? {} : { title }),
    ...(instructions === undefined ? {} : { instructions }),
    fields: elements(source, 'field', NS.forms).map(readField),
  };
}

function readField(source: XmlElement): FormField {
  const name = attribute(source, 'var') ?? null;
  const type = attribute(source, 'type');
  if (name === null && type !== 'fixed') throw new XmppError('xmpp.form', 'a field of the form has no name');
  const label = attribute(source, 'label');
  const options = elements(source, 'option', NS.forms).map((option) => ({
    label: attribute(option, 'label') ?? '',
    value: childText(option, 'value') ?? '',
  }));
  return {
    name,
    // XEP-0004 3.2: a type that is not known is text-single.
    ...(type === undefined ? {} : { type: FIELD_TYPES.has(type) ? (type as FieldType) : 'text-single' }),
    ...(label === undefined ? {} : { label }),
    values: elements(source, 'value', NS.forms).map(textOf),
    ...(options.length === 0 ? {} : { options }),
    ...(element(source, 'required', NS.forms) === undefined ? {} : { isRequired: true }),
  };
}

/** The values of a submitted form by name; a name that comes twice counts once. */
export function submittedValues(form: Form): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { name, values } of form.fields) if (name !== null && !found.has(name)) found.set(name, values);
  return found;
}

/** A boolean field's value (XEP-0004 3.3); undefined when it is neither. */
export function booleanValue(value: string | undefined): boolean | undefined {
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  return undefined;
}
