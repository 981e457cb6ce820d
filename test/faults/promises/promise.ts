/** A promise of the package, tried again and again: `npm run test:faults` in long runs, promises.test.ts in short ones. */

export interface Outcome {
  readonly rounds: number
  /** One line for each thing that went wrong. */
  readonly failures: readonly string[]
  /** What else was counted. */
  readonly counts: Readonly<Record<string, number>>
}

export interface FaultPromise {
  /** Its place in the list of twelve that the README has. */
  readonly number: number
  readonly name: string
  /** What must not happen, in a line. */
  readonly promise: string
  /** Rounds of the long run, and of the short one. */
  readonly rounds: { readonly long: number; readonly short: number }
  readonly run: (rounds: number) => Promise<Outcome>
}

/** mulberry32: numbers from 0 to 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of these, by chance. */
export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}
