// Bidi classes are not among the properties of regular expressions: they are told by script and category instead.
const RIGHT_TO_LEFT =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}\p{Script=Mende_Kikakui}]/u;
const EUROPEAN_DIGIT = /[0-9\u06f0-\u06f9]/;
const ARABIC_DIGIT = /[\u0660-\u0669]/;
const MARK = /[\p{Mn}\p{Me}]/u;
const LETTER = /[\p{L}\p{Mc}\p{Nd}]/u;

type BidiClass = 'R' | 'L' | 'EN' | 'AN' | 'NSM' | 'ON';

function classOf(character: string): BidiClass {
  if (MARK.test(character)) return 'NSM';
  if (EUROPEAN_DIGIT.test(character)) return 'EN';
  if (ARABIC_DIGIT.test(character)) return 'AN';
  if (RIGHT_TO_LEFT.test(character)) return 'R';
  return LETTER.test(character) ? 'L' : 'ON';
}

/** The Bidi Rule of RFC 5893 section 2, which holds for a text that has right-to-left characters. */
export function obeysBidiRule(text: string): boolean {
  const classes = [...text].map(classOf);
  if (!classes.includes('R') && !classes.includes('AN')) return true;
  const isRightToLeft = classes[0] === 'R';
  // Rule 1: it begins with a letter. A left-to-right text with right-to-left characters in it fails rule 5.
  if (!isRightToLeft || classes.includes('L')) return false;
  if (classes.includes('EN') && classes.includes('AN')) return false;
  const last = classes.findLast((each) => each !== 'NSM');
  return last !== 'ON';
}
