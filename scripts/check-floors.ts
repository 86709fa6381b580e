/**
 * Holds the floors of the house (docs/architecture.md): imports only run down, and services do not import each other's
 * code (a type is allowed). Prints each violation and exits 1. An argument names another folder to check, for the test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const FLOORS: readonly (readonly string[])[] = [
  ['platform'],
  ['xml'],
  ['ids', 'datastore', 'rpc', 'soap', 'xmpp', 'sip', 'pidf'],
  ['axl', 'presence', 'sign-in'],
  ['services', 'mock-cucm', 'admin'],
  ['node'],
  ['cli'],
  ['main'],
];

const IMPORT = /(?:^|\n)\s*(?:import|export)(\s+type)?\s[^;'"]*?['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]/g;

interface Place {
  readonly room: string;
  readonly service: string | undefined;
}

function placeOf(path: string): Place {
  const parts = path.split(sep);
  const room = parts.length === 1 ? 'main' : (parts[0] as string);
  return { room, service: room === 'services' ? parts[1] : undefined };
}

function floorOf(room: string): number {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(room));
  if (floor < 0) throw new Error(`src/${room} stands on no floor: name it in scripts/check-floors.ts`);
  return floor;
}

function complaint(from: Place, to: Place, isType: boolean): string | undefined {
  if (from.room === to.room && from.service === to.service) return undefined;
  if (from.room === 'services' && to.room === 'services') {
    return isType
      ? undefined
      : 'services meet through the change feed, a datastore or RPC; only a type may be imported';
  }
  if (floorOf(to.room) > floorOf(from.room)) return 'imports only run down';
  if (floorOf(to.room) === floorOf(from.room)) return 'rooms of one floor do not import each other';
  return undefined;
}

function check(root: string): string[] {
  const complaints: string[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(ts|js)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    const from = placeOf(relative(root, file));
    for (const match of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const target = relative(root, resolve(dirname(file), match[2] ?? match[3] ?? ''));
      if (target.startsWith('..')) continue;
      const why = complaint(from, placeOf(target), match[1] !== undefined);
      if (why) complaints.push(`${relative(root, file)} imports ${target}: ${why}`);
    }
  }
  return complaints;
}

const complaints = check(resolve(process.argv[2] ?? 'src'));
for (const each of complaints) process.stderr.write(`${each}\n`);
if (complaints.length > 0) process.exitCode = 1;
