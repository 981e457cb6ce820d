/** Functions of Node's modules that are replaced while a test runs. */
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

/** What `t.mock` has replaced in Node's modules so far is what everybody imports, until the test ends. */
export function exportMocks(t: TestContext): void {
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
}
