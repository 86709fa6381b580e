/** Schemas that a CUCM of release 15 speaks. */
export const SUPPORTED_VERSIONS: readonly string[] = ['12.0', '12.5', '14.0', '15.0'];

/** Of `CUCM:DB ver=14.0 listUser` in any of the spellings of the field. */
export function versionOfAction(action: string | undefined): string | undefined {
  return /ver=\s*"?(\d+\.\d+)/.exec(action ?? '')?.[1];
}

/**
 * The schema that applies: the namespace decides, `1.0` in it means the oldest, and the header stands in where the
 * namespace says nothing. Undefined when CUCM does not speak it.
 */
export function chooseVersion(
  supported: readonly string[],
  namespace: string | undefined,
  header: string | undefined,
): string | undefined {
  if (namespace === '1.0') return supported[0];
  const asked = namespace ?? header;
  return asked !== undefined && supported.includes(asked) ? asked : undefined;
}

/** `12.x, 14.0 and 15.0`: releases with several schemas are told together. */
export function versionList(supported: readonly string[]): string {
  const majors = new Map<string, string[]>();
  for (const version of supported) {
    const major = version.slice(0, version.indexOf('.'));
    majors.set(major, [...(majors.get(major) ?? []), version]);
  }
  const items = [...majors].map(([major, versions]) => (versions.length > 1 ? `${major}.x` : (versions[0] as string)));
  const last = items.pop() ?? '';
  return items.length === 0 ? last : `${items.join(', ')} and ${last}`;
}
