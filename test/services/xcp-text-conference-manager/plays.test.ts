import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parsePlay, runPlay } from '../xcp-router/play.ts';
import { openConference } from './conference-world.ts';

const FOLDER = fileURLToPath(new URL('plays/', import.meta.url));

describe('plays of the XCP Text Conference Manager', () => {
  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.play'))
    .sort()) {
    const play = parsePlay(readFileSync(`${FOLDER}${file}`, 'utf8'));
    it(`${file.slice(0, -5)}: ${play.title}`, async () => {
      assert.match(play.title, /^(RFC|XEP)[ -]\d+|^docs\//, 'its first line names what it proves');
      await runPlay(play, openConference);
    });
  }
});
