/** Forced collections of garbage. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void

/** Of the whole heap. */
export function collect(): void {
  gc()
}

/** Of the young generation alone, as V8 does by itself all the time: what only old garbage points to stays. */
export function collectYoung(): void {
  gc({ type: 'minor' })
}

/**
 * Bytes of heap by which what `churn` leaves behind has grown, where only the young generation is collected: what hangs on old garbage
 * counts, as it does in a process that runs on.
 */
export async function leftBehind(churn: () => Promise<void> | void): Promise<number> {
  await churn()
  collect()
  const before = process.memoryUsage().heapUsed
  await churn()
  collectYoung()
  return process.memoryUsage().heapUsed - before
}
