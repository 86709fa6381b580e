import { readFileSync } from 'node:fs';

/** The cases of a fixture: its lines without comments, tab-separated, `\uXXXX` and `\\` read as characters. */
export function linesOf(name: string): readonly (readonly string[])[] {
  const path = new URL(`../../fixtures/xmpp/${name}`, import.meta.url);
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))
    .map((line) => line.split('\t').map(characters));
}

function characters(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})|\\\\/g, (_, code?: string) =>
    code === undefined ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
