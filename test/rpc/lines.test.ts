import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RpcError } from '../../src/rpc/errors.ts';
import { createLineSplitter } from '../../src/rpc/lines.ts';
import { errorLine, parseMessage, type RpcMessage, requestLine, resultLine } from '../../src/rpc/message.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 }).map((each) => each.replace(/[\r\n]/g, ' '));

/** `bytes` in pieces of the given sizes, the rest in one. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const cut: Buffer[] = [];
  let from = 0;
  for (const size of sizes) {
    cut.push(bytes.subarray(from, from + size));
    from += size;
  }
  cut.push(bytes.subarray(from));
  return cut;
}

describe('the line splitter', () => {
  it('gives the same lines however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fc.constantFrom('\n', '\r\n'))),
        text,
        fc.array(fc.nat(9)),
        (ended, rest, sizes) => {
          const bytes = Buffer.from(`${ended.map(([line, end]) => line + end).join('')}${rest}`);
          const splitter = createLineSplitter(1_000);
          const found = pieces(bytes, sizes).flatMap((piece) => splitter.push(piece));
          assert.deepEqual(
            found,
            ended.map(([line]) => line).filter((line) => line !== ''),
          );
          assert.equal(splitter.pendingBytes, Buffer.byteLength(rest));
        },
      ),
    );
  });

  it('never keeps more than its limit, and takes a line of just that length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.uint8Array({ maxLength: 30 })), (limit, chunks) => {
        const splitter = createLineSplitter(limit);
        try {
          for (const chunk of chunks) {
            for (const line of splitter.push(chunk)) assert.ok(Buffer.byteLength(line) <= limit);
            assert.ok(splitter.pendingBytes <= limit + 1);
          }
        } catch (error) {
          assert.ok(error instanceof RpcError && /too-long|not-utf8/.test(error.code), String(error));
        }
      }),
    );
    assert.deepEqual(createLineSplitter(4).push(Buffer.from('abcd\r\n')), ['abcd']);
    assert.throws(() => createLineSplitter(4).push(Buffer.from('abcde\n')), { code: 'rpc.line-too-long' });
    assert.throws(() => createLineSplitter(4).push(Buffer.from([0xff, 0x0a])), { code: 'rpc.not-utf8' });
  });
});

describe('JSON-RPC messages', () => {
  it('are read as they were written', () => {
    const id = fc.oneof(fc.integer(), fc.string({ maxLength: 20 }));
    const jsonOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    fc.assert(
      fc.property(id, fc.string({ minLength: 1, maxLength: 20 }), fc.array(fc.jsonValue()), (given, method, params) => {
        const expected: RpcMessage = { kind: 'request', id: jsonOf(given) as number, method, params: jsonOf(params) };
        assert.deepEqual(parseMessage(requestLine(given, method, params)), expected);
        assert.deepEqual(parseMessage(resultLine(given, params)), {
          kind: 'result',
          id: jsonOf(given),
          result: jsonOf(params),
        });
        const error = { code: -32004, message: method };
        assert.deepEqual(parseMessage(errorLine(null, error)), { kind: 'error', id: null, error });
      }),
    );
  });

  it('are refused with a typed error, whatever the line', () => {
    const junk = fc.oneof(
      fc.string(),
      fc.json(),
      fc.object().map((each) => JSON.stringify(each)),
    );
    fc.assert(
      fc.property(junk, (line) => {
        try {
          parseMessage(line);
        } catch (error) {
          assert.ok(error instanceof RpcError, String(error));
        }
      }),
    );
    const refused = {
      '[]': 'rpc.invalid-message',
      '{"jsonrpc":"2.0"}': 'rpc.invalid-message',
      '{"jsonrpc":"1.0","method":"a"}': 'rpc.invalid-message',
      '{"jsonrpc":"2.0","method":"a","id":1.5}': 'rpc.invalid-message',
      '{"jsonrpc":"2.0","method":"a","params":1}': 'rpc.invalid-message',
      '{"jsonrpc":"2.0","method":"a","id":1,"result":1}': 'rpc.invalid-message',
      '{': 'rpc.not-json',
      [`${'['.repeat(200_000)}`]: 'rpc.not-json',
    };
    for (const [line, code] of Object.entries(refused)) {
      assert.throws(
        () => parseMessage(line),
        (error: unknown) => error instanceof RpcError && error.code === code,
        line.slice(0, 60),
      );
    }
  });
});
