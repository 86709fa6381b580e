/** Whole numbers from 0 to below `below`. */
export type Random = (below: number) => number;

/** A small generator of known numbers, so that a failing run can be had again. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One of them; they must not be none. */
export function oneOf<T>(random: Random, among: readonly T[]): T {
  return among[random(among.length)] as T;
}
