/** Starts the tour's second process and gives its visits one by one; a string is the message of an error. */
import { fork } from 'node:child_process'
import { on, once } from 'node:events'
import { join } from 'node:path'
import type { Visit } from './visit.ts'

export async function* visitInNewProcess(
  directory: string,
  ahead: number,
  urls: readonly string[],
): AsyncGenerator<Visit | string, void, void> {
  const child = fork(join(import.meta.dirname, 'restarted.ts'), [directory, String(ahead), ...urls])
  const exited = once(child, 'exit')
  for await (const [answer] of on(child, 'message', { close: ['disconnect'] })) yield answer as Visit | string
  const [code] = await exited
  if (code !== 0) throw new Error(`The second process ended with ${String(code)}`)
}
