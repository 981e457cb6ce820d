/** Runs checks one after the other and says of each how it went, one line of JSON each, for `run.ts` to count. */

export interface Outcome {
  readonly name: string
  readonly error?: string
}

/** A check that has not ended by then waits for something that does not come. In milliseconds. */
const LIMIT = 20_000

export async function runCheck(name: string, check: () => Promise<void>): Promise<void> {
  let limit: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new Error(`not done after ${LIMIT / 1_000} s`)), LIMIT)
  })
  try {
    await Promise.race([check(), late])
    report({ name })
  } catch (error) {
    report({ name, error: describe(error) })
  } finally {
    clearTimeout(limit)
  }
}

/** What nobody waits for must not fail either: an error that nobody catches is a failed check. */
export function reportStrayErrors(): void {
  process.on('uncaughtException', (error) => report({ name: 'no error goes uncaught', error: describe(error) }))
  process.on('unhandledRejection', (error) => report({ name: 'no rejection goes unhandled', error: describe(error) }))
}

/** `repeatedSetCookie` is "repeated set cookie". */
export function titleOf(check: { readonly name: string }): string {
  return check.name.replaceAll(/[A-Z]+/g, (capital) => ` ${capital.toLowerCase()}`)
}

function report(outcome: Outcome): void {
  process.stdout.write(`${JSON.stringify(outcome)}\n`)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`
  return (error.stack ?? error.message) + cause
}
