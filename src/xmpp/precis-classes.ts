/** The code point categories of RFC 8264 section 9, in that section's order; Unicode data come with Node's ICU. */

const EXCEPTIONS_VALID = /^[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007]$/u;
const EXCEPTIONS_REFUSED = /^[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]$/u;
const CONTEXTUAL = /^[\u00b7\u0375\u05f3\u05f4\u30fb\u0660-\u0669\u06f0-\u06f9\u200c\u200d]$/u;
const OLD_HANGUL_JAMO = /^[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]$/u;
const NEVER = /^[\p{Cn}\p{Cc}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$/u;
const LETTER_DIGITS = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]$/u;
const FREE_ONLY = /^[\p{Lt}\p{Nl}\p{No}\p{Me}\p{Zs}\p{S}\p{P}]$/u;

/** Canonical combining class 9: characters after which a joiner may stand (RFC 5892 A.1, A.2). */
const VIRAMA = new RegExp(
  '^[' +
    '\\u{94d}\\u{9cd}\\u{a4d}\\u{acd}\\u{b4d}\\u{bcd}\\u{c4d}\\u{ccd}\\u{d3b}\\u{d3c}\\u{d4d}\\u{dca}\\u{e3a}\\u{eba}' +
    '\\u{f84}\\u{1039}\\u{103a}\\u{1714}\\u{1715}\\u{1734}\\u{17d2}\\u{1a60}\\u{1b44}\\u{1baa}\\u{1bab}\\u{1bf2}\\u{1bf3}' +
    '\\u{2d7f}\\u{a806}\\u{a82c}\\u{a8c4}\\u{a953}\\u{a9c0}\\u{aaf6}\\u{abed}\\u{10a3f}\\u{11046}\\u{11070}\\u{1107f}' +
    '\\u{110b9}\\u{11133}\\u{11134}\\u{111c0}\\u{11235}\\u{112ea}\\u{1134d}\\u{11442}\\u{114c2}\\u{115bf}\\u{1163f}' +
    '\\u{116b6}\\u{1172b}\\u{11839}\\u{1193d}\\u{1193e}\\u{119e0}\\u{11a34}\\u{11a47}\\u{11a99}\\u{11c3f}\\u{11d44}' +
    '\\u{11d45}\\u{11d97}\\u{11f41}\\u{11f42}' +
    ']$',
  'u',
);

/** RFC 5892 appendix A. The joining-type rule of A.1 is left out: a non-joiner is good after a virama only. */
function fitsContext(character: string, index: number, all: readonly string[]): boolean {
  const before = all[index - 1] ?? '';
  const after = all[index + 1] ?? '';
  switch (character) {
    case '\u200c':
    case '\u200d':
      return VIRAMA.test(before);
    case '\u00b7':
      return before === 'l' && after === 'l';
    case '\u0375':
      return /^\p{Script=Greek}$/u.test(after);
    case '\u05f3':
    case '\u05f4':
      return /^\p{Script=Hebrew}$/u.test(before);
    case '\u30fb':
      return all.some((each) => /^[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]$/u.test(each));
    default: {
      // Arabic-Indic digits and the extended ones do not stand together.
      const other = character <= '\u0669' ? /^[\u06f0-\u06f9]$/u : /^[\u0660-\u0669]$/u;
      return !all.some((each) => other.test(each));
    }
  }
}

/** Whether every character belongs to the class, contextual rules included. */
export function belongsTo(precisClass: 'identifier' | 'freeform', text: string): boolean {
  const all = [...text];
  return all.every((character, index) => {
    if (EXCEPTIONS_VALID.test(character)) return true;
    if (EXCEPTIONS_REFUSED.test(character)) return false;
    if (CONTEXTUAL.test(character)) return fitsContext(character, index, all);
    if (/^[\u0021-\u007e]$/.test(character)) return true;
    if (NEVER.test(character) || OLD_HANGUL_JAMO.test(character)) return false;
    if (character.normalize('NFKC') !== character) return precisClass === 'freeform';
    if (LETTER_DIGITS.test(character)) return true;
    return precisClass === 'freeform' && FREE_ONLY.test(character);
  });
}
