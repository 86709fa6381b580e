import type { z } from 'zod';
import type { XmlElement } from '../../xml/element.ts';
import { XmlError } from '../../xml/errors.ts';
import type { XmlLimits } from '../../xml/limits.ts';
import { parseXml } from '../../xml/parse.ts';
import { ConfigurationError } from './errors.ts';

/** Room for tens of thousands of static routes. */
const LIMITS: XmlLimits = { depth: 8, elements: 200_000, attributesPerElement: 32 };

/** An element with its place in the document, for messages. */
export interface Placed {
  readonly element: XmlElement;
  readonly path: string;
}

/** @throws ConfigurationError `configuration.malformed`, `configuration.schema` when the root is another */
export function parseRoot(file: string, text: string, uri: string, local: string): Placed {
  let element: XmlElement;
  try {
    element = parseXml(text, LIMITS);
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw new ConfigurationError('configuration.malformed', file, 'it is not XML that we read', { cause });
  }
  if (element.uri !== uri || element.local !== local) {
    throw schema(file, `the root is not ${local} in ${uri}`);
  }
  return { element, path: local };
}

/** The children by name: all of them known, in our namespace, each as often as `counts` says, and no text between. */
export function childrenOf<Name extends string>(
  parent: Placed,
  counts: Readonly<Record<Name, 'one' | 'many'>>,
): Readonly<Record<Name, readonly Placed[]>> {
  const names = Object.keys(counts) as Name[];
  const found = Object.fromEntries(names.map((name) => [name, [] as Placed[]])) as Record<Name, Placed[]>;
  for (const child of parent.element.children) {
    if (typeof child === 'string') {
      if (child.trim() !== '') throw schema(parent.path, 'text is not allowed here');
      continue;
    }
    const list = Object.hasOwn(found, child.local) ? found[child.local as Name] : undefined;
    if (!list || child.uri !== parent.element.uri) throw schema(`${parent.path}/${child.local}`, 'unknown element');
    const place = counts[child.local as Name] === 'many' ? `[${list.length + 1}]` : '';
    list.push({ element: child, path: `${parent.path}/${child.local}${place}` });
  }
  for (const name of names) {
    if (counts[name] === 'one' && found[name].length !== 1) {
      throw schema(`${parent.path}/${name}`, found[name].length === 0 ? 'missing' : 'given twice');
    }
  }
  return found;
}

/** The one child of that name. */
export function childOf<Name extends string>(children: Readonly<Record<Name, readonly Placed[]>>, name: Name): Placed {
  return children[name][0] as Placed;
}

/** The attributes, checked as a whole; attributes of a namespace are refused. */
export function attributesOf<T>(placed: Placed, expected: z.ZodType<T>): T {
  const given: Record<string, string> = {};
  for (const { uri, local, value } of placed.element.attributes) {
    if (uri !== '') throw schema(`${placed.path}/@${local}`, 'unknown attribute');
    given[local] = value;
  }
  const read = expected.safeParse(given);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.');
  throw schema(`${placed.path}${name ? `/@${name}` : ''}`, issue?.message ?? 'invalid');
}

function schema(element: string, message: string): ConfigurationError {
  return new ConfigurationError('configuration.schema', element, message);
}
