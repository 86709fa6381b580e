import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCli } from '../../src/cli/cli.ts';
import { missing, runProgram } from '../support/programs.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function imp(...argv: readonly string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const code = await runCli(argv, '1.2.3', {
    env: {},
    cwd: '/nowhere',
    pid: 1,
    out: (line) => {
      said.out += `${line}\n`;
    },
    err: (line) => {
      said.err += `${line}\n`;
    },
    status: undefined,
    isErrorTerminal: false,
    readInput: async () => '',
    interrupted: new AbortController().signal,
  });
  return { code, ...said };
}

describe('the command line, used wrongly', () => {
  it('says what is wrong in its own words, and how the argument is spelled', async () => {
    for (const [argv, sentence] of [
      [['user', 'list', '--limit', '0'], 'imp: --limit must be at least 1'],
      [['user', 'list', '--limit', 'many'], 'imp: --limit must be a number'],
      [['user', 'list', '--limit', '100000'], 'imp: --limit must be at most 10000'],
      [
        ['service', 'preview', 'explode', 'sip-proxy'],
        'imp: ACTION must be one of start, stop, restart, activate, deactivate',
      ],
      [['service', 'stop', ''], 'imp: NAME is empty'],
      [['user', 'sip-credential', 'alice'], 'imp: the password on standard input is empty'],
    ] as const) {
      const { code, err } = await imp(...argv);
      assert.deepEqual([code, err], [2, `${sentence}\n`], argv.join(' '));
    }
  });

  it('answers in JSON when it was asked to, on standard error', async () => {
    for (const [argv, code, expected] of [
      [['status', '--json'], 1, 'cli.no-node'],
      [['--json', 'user', 'list', '--limit', '0'], 2, 'cli.usage'],
      [['status', '--json', '--no-such-flag'], 2, 'cli.usage'],
      [['no-such-command', '--json'], 2, 'cli.usage'],
    ] as const) {
      const said = await imp(...argv);
      assert.equal(said.code, code, argv.join(' '));
      assert.equal(said.out, '');
      const { error } = JSON.parse(said.err) as { readonly error: { readonly code: string; readonly message: string } };
      assert.equal(error.code, expected, said.err);
      assert.ok(error.message !== '' && !error.message.startsWith('error:'));
    }
  });

  it('completes words and flags in bash', { skip: missing('bash', 'bash', '-c', 'complete -p || true') }, async () => {
    const { code, out } = await imp('completion', 'bash');
    assert.equal(code, 0);
    const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
      const line = words.map((word) => `'${word}'`).join(' ');
      const script = `${out}\nCOMP_WORDS=(imp ${line}); COMP_CWORD=${words.length}; _imp; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const ran = await runProgram('bash', ['-c', script]);
      assert.equal(ran.code, 0, ran.err);
      return ran.out.trim().split('\n');
    };
    assert.deepEqual(await complete('servi'), ['service']);
    assert.deepEqual(await complete('--json', 'service', 're'), ['restart']);
    assert.deepEqual(await complete('user', 'list', '--ma'), ['--match']);
    assert.deepEqual(await complete('sync', 'st'), ['status']);
    assert.equal((await imp('completion', 'powershell')).code, 2);
  });

  it('shows the usage of every group of commands', async () => {
    const { code, out } = await imp('parameter', '--help');
    assert.equal(code, 0);
    assert.match(out, /preview .*Checks a value/s);
  });
});
