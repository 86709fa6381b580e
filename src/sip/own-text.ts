/**
 * A copy that stands by itself, for what is kept longer than its message: V8 makes a piece of a string a reference to the
 * whole, so that a nonce of 38 characters would hold a REGISTER of a thousand.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
