/** The dispatchers that every fetch of this process uses. */
import type { TestContext } from 'node:test'

const SYMBOLS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')]

/** Puts the global dispatchers back when the test ends. */
export function restoreGlobals(t: TestContext): void {
  const globals = globalThis as unknown as Record<symbol, unknown>
  const before = SYMBOLS.map((symbol) => globals[symbol])
  t.after(() => {
    for (const [i, symbol] of SYMBOLS.entries()) globals[symbol] = before[i]
  })
}
