/** `npm start -- https://some.url …`: each URL cold, again, and once more by a new process on the same directory. */
import { install, StreamingManager } from 'undici-streaming-cache'
import { errorLine } from './failure.ts'
import { visitInNewProcess } from './second-process.ts'
import { printHead, printTitle, printVisit } from './table.ts'
import { visit, type Visit } from './visit.ts'

/** Resolves with what was not as it ought to be. */
export async function tourOfYourUrls(directory: string, urls: readonly string[]): Promise<string[]> {
  const problems: string[] = []
  const reached: string[] = []
  /** The body that the cache has stored, by URL. */
  const stored = new Map<string, string>()

  function report(name: string, url: string, answer: Visit | string): void {
    if (typeof answer === 'string') {
      console.log(`  ${name}: ${answer}`)
      return
    }
    printVisit(name, answer)
    const { outcome, sha256 } = answer
    const isFromStore = outcome === 'hit' || outcome === 'validated'
    if (isFromStore && stored.get(url) !== sha256) problems.push(`${url}: the body is not the one that was stored`)
    if (outcome === 'miss' || outcome === 'replaced') stored.set(url, sha256)
  }

  const manager = await StreamingManager.open(directory)
  const uninstall = install(manager)
  printHead()
  for (const url of urls) {
    printTitle(url)
    const first = await visit(manager, url).catch(errorLine)
    report('first', url, first)
    if (typeof first === 'string') continue
    reached.push(url)
    report('again', url, await visit(manager, url).catch(errorLine))
  }
  uninstall()
  await manager.close()

  if (reached.length < urls.length) problems.push(`${urls.length - reached.length} of ${urls.length} cannot be fetched`)
  if (reached.length === 0) return problems
  printTitle('Restart: a new process on the same directory')
  let next = 0
  for await (const answer of visitInNewProcess(directory, 0, reached)) {
    const url = reached[next++] ?? ''
    report(url.length > 22 ? `${url.slice(0, 10)}…${url.slice(-11)}` : url, url, answer)
  }
  return problems
}
