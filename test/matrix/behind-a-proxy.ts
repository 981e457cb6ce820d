/** A process of its own for `installing.ts`: asks twice for the URL given, with the environment's proxy. */
import { install, StreamingManager } from 'undici-streaming-cache'

const url = process.argv[2] ?? ''
const manager = await StreamingManager.temporary()
const uninstall = install(manager)
for (let turn = 0; turn < 2; turn++) {
  const response = await fetch(url)
  const [, status] = response.headers.get('cache-status')?.split('; ') ?? []
  console.log(status, await response.text())
  await manager.runPendingTasks()
}
uninstall()
await manager.close()
// A connection that the proxy keeps is no reason to stay.
process.exit()
