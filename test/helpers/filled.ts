/** A directory that a manager has filled and closed, for those that come after it. */
import { text } from 'node:stream/consumers'
import { StreamingManager } from '../../src/index.ts'
import { temporaryDirectory } from './directory.ts'

export const BASE = 'https://example.com'

/** A directory with twelve stored responses, three of them variants of one URL. */
export async function fill(): Promise<string> {
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory)
  for (let i = 0; i < 9; i++) await manager.put(`${BASE}/${i}`, { headers: { etag: `"${i}"` }, body: `body ${i}` })
  for (const language of ['de', 'fr', 'it']) {
    const requestHeaders = { 'accept-language': language }
    await manager.put(`${BASE}/v`, { headers: { vary: 'accept-language' }, body: language, requestHeaders })
  }
  await manager.close()
  return directory
}

export async function bodyOf(manager: StreamingManager, url: string): Promise<string | undefined> {
  const found = await manager.get(url)
  return found && (await text(found.body))
}
