/** Keeps so many operations under way, for a time or a number of them. */
import { turn } from './meter.ts'

/** Operations after which the event loop has a turn: what is answered out of memory would not let it come to one. */
const OPERATIONS_A_TURN = 16

export interface Extent {
  readonly inFlight: number
  /** No operation begins after so long. */
  readonly milliseconds?: number
  readonly operations?: number
}

/** Resolves with how many operations there were. `operate` is told the number of each. */
export async function drive(extent: Extent, operate: (n: number) => Promise<unknown>): Promise<number> {
  const { inFlight, milliseconds = Infinity, operations = Infinity } = extent
  const end = performance.now() + milliseconds
  let begun = 0
  let gate: Promise<void> | undefined
  const lane = async (): Promise<void> => {
    if (gate !== undefined) await gate
    while (begun < operations && performance.now() < end) {
      const n = begun++
      if (begun % OPERATIONS_A_TURN === 0 && gate === undefined) {
        gate = turn()
        void gate.then(() => (gate = undefined))
      }
      await operate(n)
      if (gate !== undefined) await gate
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, operations) }, lane))
  return begun
}

/** All at once, but for the turns of the event loop in which real callers would come, too. */
export async function together(callers: number, operate: (n: number) => Promise<unknown>): Promise<void> {
  const answers: Promise<unknown>[] = []
  for (let n = 0; n < callers; n++) {
    answers.push(operate(n))
    if (n % OPERATIONS_A_TURN === 0) await turn()
  }
  await Promise.all(answers)
}
