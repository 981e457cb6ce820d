/**
 * The second process of the tour: opens the directory that the first one has left, fetches the URLs that it is given,
 * and sends each visit, or the error's message, to its parent. Arguments: directory, milliseconds that the clock is
 * ahead, URLs.
 */
import { install, StreamingManager } from 'undici-streaming-cache'
import { errorLine } from './failure.ts'
import { visit } from './visit.ts'

const [directory = '', ahead = '0', ...urls] = process.argv.slice(2)

await using manager = await StreamingManager.open(directory, { clock: () => Date.now() + Number(ahead) })
install(manager)
for (const url of urls) {
  const answer = await visit(manager, url).catch(errorLine)
  await new Promise<void>((resolve) => process.send?.(answer, () => resolve()))
}
process.disconnect()
