import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { applyDialRules, type DialRule } from '../../../src/services/rcc-device-selection/selection/dial-rules.ts';
import {
  dialledNumber,
  type LineUri,
  parseLineUri,
  telUri,
} from '../../../src/services/rcc-device-selection/selection/line-uri.ts';
import { phoneKind } from '../../../src/services/rcc-device-selection/selection/phone-kind.ts';
import {
  type Appearance,
  type Choice,
  type SelectionFacts,
  type SelectionRule,
  selectDevice,
} from '../../../src/services/rcc-device-selection/selection/select-device.ts';

const phone = (device: string, more: Partial<Appearance> = {}): Appearance => ({
  device,
  description: '',
  product: '',
  kind: 'hard',
  line: '1003',
  partition: '',
  isRegistered: false,
  isOwnersPrimary: false,
  ...more,
});
const soft = (device: string, more: Partial<Appearance> = {}): Appearance => phone(device, { kind: 'soft', ...more });
const facts = (
  uri: string,
  appearances: readonly Appearance[],
  chosen: Choice | null = null,
  ruledNumber?: string,
): SelectionFacts => {
  const lineUri = parseLineUri(uri);
  return { lineUri, ruledNumber: ruledNumber ?? lineUri.number, appearances, chosen };
};

const HARD = phone('SEPB');
const SOFT = soft('CSFA');
const REGISTERED = { isRegistered: true };
const PRIMARY = { isOwnersPrimary: true };
const ANY = 'tel:1003;phone-context=dialstring';
const choice = (device: string, line = '', partition = ''): Choice => ({ device, line, partition });

/** Row, facts, what is selected: device and rule, or why nothing is. */
const ROWS: readonly (readonly [string, SelectionFacts, string, SelectionRule | 'refused'])[] = [
  ['device named', facts(`${ANY};device=SEPB`, [HARD, SOFT]), 'SEPB', 'named'],
  [
    'device named, though another is registered',
    facts(`${ANY};device=sepb`, [HARD, soft('CSFA', REGISTERED)]),
    'SEPB',
    'named',
  ],
  ['device named that the user has not', facts(`${ANY};device=SEPX`, [HARD]), 'no-such-device', 'refused'],
  [
    'device named that has another number',
    facts('tel:1004;device=SEPB', [HARD, phone('SEPC', { line: '1004' })]),
    'no-such-device',
    'refused',
  ],
  ['one device', facts(ANY, [HARD]), 'SEPB', 'only'],
  ['one device of several with that number', facts(ANY, [HARD, phone('SEPC', { line: '1004' })]), 'SEPB', 'only'],
  [
    'one device with the number twice',
    facts(ANY, [phone('SEPB', { partition: 'P2' }), phone('SEPB', { partition: 'P1' })]),
    'SEPB',
    'only',
  ],
  [
    'two devices, the soft phone registered',
    facts(ANY, [phone('SEPB', REGISTERED), soft('CSFA', REGISTERED)]),
    'CSFA',
    'registered-soft-phone',
  ],
  [
    'two devices, only the soft phone registered',
    facts(ANY, [HARD, soft('CSFA', REGISTERED)]),
    'CSFA',
    'registered-soft-phone',
  ],
  ['two devices, only the hard phone registered', facts(ANY, [phone('SEPB', REGISTERED), SOFT]), 'SEPB', 'hard-phone'],
  ['two devices, none registered', facts(ANY, [SOFT, HARD]), 'SEPB', 'hard-phone'],
  [
    'two hard phones, one chosen before',
    facts(ANY, [phone('SEPA', REGISTERED), HARD], choice('SEPB')),
    'SEPB',
    'chosen',
  ],
  ['two hard phones, one registered', facts(ANY, [phone('SEPA'), phone('SEPB', REGISTERED)]), 'SEPB', 'registered'],
  [
    'two hard phones, registered before primary',
    facts(ANY, [phone('SEPA', PRIMARY), phone('SEPB', REGISTERED)]),
    'SEPB',
    'registered',
  ],
  [
    'two hard phones registered, one the primary',
    facts(ANY, [phone('SEPA', REGISTERED), phone('SEPB', { ...REGISTERED, ...PRIMARY })]),
    'SEPB',
    'owners-primary',
  ],
  ['two hard phones alike', facts(ANY, [phone('SEPB'), phone('SEPA')]), 'SEPA', 'lexical'],
  ['two soft phones alike', facts(ANY, [soft('CSFB'), soft('CSFA')]), 'CSFA', 'lexical'],
  ['three devices, one registered', facts(ANY, [SOFT, HARD, phone('SEPC', REGISTERED)]), 'SEPC', 'registered'],
  [
    'three devices, a registered soft phone among them',
    facts(ANY, [soft('CSFA', REGISTERED), HARD, phone('SEPC')]),
    'CSFA',
    'registered',
  ],
  ['three devices alike', facts(ANY, [phone('SEPC'), SOFT, HARD]), 'CSFA', 'lexical'],
  [
    'a choice for the next session, before every rule',
    facts(`${ANY};device=CSFA`, [HARD, soft('CSFA', REGISTERED)], choice('SEPB')),
    'SEPB',
    'chosen',
  ],
  ['a choice of one line', facts(ANY, [HARD, SOFT], choice('CSFA', '1003')), 'CSFA', 'chosen'],
  [
    'a choice for another line of the phone',
    facts(ANY, [HARD, SOFT, soft('CSFA', { line: '1004' })], choice('CSFA', '1004')),
    'SEPB',
    'hard-phone',
  ],
  ['a choice that is gone', facts(ANY, [HARD], choice('SEPX')), 'SEPB', 'only'],
  [
    'a partition',
    facts('tel:1003;partition=P2', [phone('SEPA', { partition: 'P1' }), phone('SEPB', { partition: 'P2' })]),
    'SEPB',
    'only',
  ],
  [
    'a partition with a space',
    facts('tel:1003;partition=Berlin%20DN', [phone('SEPB', { partition: 'Berlin DN' })]),
    'SEPB',
    'only',
  ],
  ['a partition that the line is not in', facts('tel:1003;partition=P2', [HARD]), 'no-such-line', 'refused'],
  [
    'a global number as CUCM has it',
    facts('tel:+49305551003', [phone('SEPB', { line: '+49305551003' })]),
    'SEPB',
    'only',
  ],
  ['a global number that a dial rule shortens', facts('tel:+49305551003', [HARD], null, '1003'), 'SEPB', 'only'],
  [
    'a global number in both forms: as it was written',
    facts('tel:+49305551003', [HARD, phone('SEPC', { line: '+49305551003' })], null, '1003'),
    'SEPC',
    'only',
  ],
  ['no phone', facts(ANY, []), 'no-appearance', 'refused'],
  ['no phone with that number', facts('tel:1999', [HARD]), 'no-such-line', 'refused'],
];

describe('the rules of device selection', () => {
  for (const [row, given, expected, rule] of ROWS) {
    it(row, () => {
      const selection = selectDevice(given);
      if (selection.kind === 'refused') assert.deepEqual([selection.why, 'refused'], [expected, rule]);
      else assert.deepEqual([selection.appearance.device, selection.rule], [expected, rule]);
    });
  }

  const names = fc.constantFrom('SEPA', 'SEPB', 'SEPC', 'CSFA', 'CSFB', 'csfb');
  const anAppearance: fc.Arbitrary<Appearance> = fc.record({
    device: names,
    description: fc.constant(''),
    product: fc.constant(''),
    kind: fc.constantFrom('soft', 'hard'),
    line: fc.constantFrom('1003', '1004', '+1003'),
    partition: fc.constantFrom('', 'P1', 'P2'),
    isRegistered: fc.boolean(),
    isOwnersPrimary: fc.boolean(),
  });
  // What CUCM can hold: each line of a phone once, and a phone is of one kind and registered or not as a whole.
  const appearances = fc
    .uniqueArray(anAppearance, { selector: (each) => `${each.device} ${each.line} ${each.partition}`, maxLength: 8 })
    .map((all) =>
      all.map((each) => {
        const first = all.find(({ device }) => device === each.device) ?? each;
        return { ...each, kind: first.kind, isRegistered: first.isRegistered };
      }),
    );
  const lineUri: fc.Arbitrary<LineUri> = fc.record({
    number: fc.constantFrom('1003', '1004', '+1003', '1999'),
    device: fc.option(names),
    partition: fc.option(fc.constantFrom('P1', 'P2', 'P3')),
  });
  const chosen = fc.option(
    fc.record({ device: names, line: fc.constantFrom('', '1003', '1004'), partition: fc.constantFrom('', 'P1') }),
  );

  it('is total, and what it selects is one of the phones with that number', () => {
    fc.assert(
      fc.property(lineUri, fc.constantFrom('1003', '1999'), appearances, chosen, (uri, ruledNumber, all, choice) => {
        const selection = selectDevice({ lineUri: uri, ruledNumber, appearances: all, chosen: choice });
        if (selection.kind === 'refused') return;
        assert.ok(all.includes(selection.appearance));
        assert.ok([uri.number, ruledNumber].includes(selection.appearance.line));
        assert.ok(uri.partition === null || uri.partition === selection.appearance.partition);
      }),
    );
  });

  it('is refused only for want of a phone', () => {
    fc.assert(
      fc.property(lineUri, appearances, chosen, (uri, all, choice) => {
        const selection = selectDevice({ lineUri: uri, ruledNumber: uri.number, appearances: all, chosen: choice });
        const fitting = all.filter(
          ({ line, partition, device }) =>
            line === uri.number &&
            (uri.partition === null || partition === uri.partition) &&
            (uri.device === null || device.toLowerCase() === uri.device.toLowerCase()),
        );
        if (fitting.length > 0) assert.equal(selection.kind, 'selected');
      }),
    );
  });

  it('does not depend on the order of the facts', () => {
    const withOrder = appearances.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    fc.assert(
      fc.property(lineUri, withOrder, chosen, (uri, [all, shuffled], choice) => {
        const of = (each: readonly Appearance[]): unknown =>
          selectDevice({ lineUri: uri, ruledNumber: uri.number, appearances: each, chosen: choice });
        assert.deepEqual(of(shuffled), of(all));
      }),
    );
  });

  it('prefers what is registered, but for a hard phone beside an unregistered soft one', () => {
    fc.assert(
      fc.property(appearances, (all) => {
        const selection = selectDevice(facts('tel:1003', all));
        if (selection.kind === 'refused') return;
        const rivals = all.filter(({ line, isRegistered }) => line === '1003' && isRegistered);
        if (rivals.length > 0) assert.ok(selection.appearance.isRegistered);
      }),
    );
  });
});

describe('Line URIs', () => {
  it('reads number, device and partition, in any case and order', () => {
    const read = (text: string): readonly unknown[] => {
      const { number, device, partition } = parseLineUri(text);
      return [number, device, partition];
    };
    assert.deepEqual(read('tel:1003;phone-context=dialstring'), ['1003', null, null]);
    assert.deepEqual(read(' TEL:1003;Partition=P%201;DEVICE=SEP001E7A0003EB;phone-context=dialstring '), [
      '1003',
      'SEP001E7A0003EB',
      'P 1',
    ]);
    assert.deepEqual(read('tel:+49(30)555-10.03'), ['+49305551003', null, null]);
    assert.deepEqual(read('tel:*21#'), ['*21#', null, null]);
    assert.deepEqual(read('tel:1003;ext=77;isub=1'), ['1003', null, null]);
  });

  it('refuses what is none', () => {
    for (const text of [
      '',
      '1003',
      'sip:1003@acme.example',
      'tel:',
      'tel:alice',
      'tel:+',
      'tel:1003;device=',
      'tel:1003;device=A;device=B',
      'tel:1003;phone-context=acme.example',
      'tel:+1003;phone-context=dialstring',
      'tel:1003;partition=%E0%A4%A',
      `tel:${'1'.repeat(60)}`,
      `tel:1003;x=${'y'.repeat(600)}`,
    ]) {
      assert.throws(() => parseLineUri(text), { code: 'rcc.line-uri' }, text);
    }
  });

  it('reads any text or refuses it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `tel:${text}`),
        ),
        (text) => {
          try {
            parseLineUri(text);
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'rcc.line-uri');
          }
        },
      ),
    );
  });

  it('writes what it reads, and reads numbers that people type', () => {
    for (const number of ['1003', '+49305551003', '*21#']) assert.equal(parseLineUri(telUri(number)).number, number);
    assert.equal(dialledNumber('tel:1002;phone-context=dialstring'), '1002');
    assert.equal(dialledNumber('+49 (30) 555-1002'), '+49305551002');
    assert.equal(dialledNumber('bob'), null);
  });
});

describe('dial rules', () => {
  const rule = (beginswith: string, digits: number, digitsremoved: number, prepend = '', priority = 1): DialRule => ({
    priority,
    beginswith,
    digits,
    digitsremoved,
    prepend,
  });

  it('takes the first that fits, by priority', () => {
    const rules = [rule('+', 12, 1, '00', 2), rule('+4930555', 12, 8), rule('9', 5, 1)];
    assert.equal(applyDialRules('+49305551003', rules), '1003');
    assert.equal(applyDialRules('+49405551003', rules), '0049405551003');
    assert.equal(applyDialRules('91003', rules), '1003');
    assert.equal(applyDialRules('1003', rules), '1003');
    assert.equal(applyDialRules('911', rules), '911');
  });

  it('leaves a number that it would leave nothing of', () => {
    assert.equal(applyDialRules('1003', [rule('1', 4, 9)]), '1003');
  });
});

it('tells soft phones from hard ones by their product', () => {
  assert.equal(phoneKind('Cisco Unified Client Services Framework'), 'soft');
  assert.equal(phoneKind('cisco dual mode for iPhone'), 'soft');
  assert.equal(phoneKind('Cisco 8851'), 'hard');
  assert.equal(phoneKind(''), 'hard');
});
