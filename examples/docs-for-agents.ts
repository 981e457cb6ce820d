/** How does an agent's tool go on reading documentation while the site that has it is down? */
import { createFetch, getCacheStatus, StreamingManager } from 'undici-streaming-cache'
import { startOrigin, type Resource } from './origin.ts'

let isDown = false
let now = Date.now()
const page: Resource = {
  // Fresh for five minutes, good for a day when the site answers with an error (RFC 5861).
  headers: { 'cache-control': 'max-age=300, stale-if-error=86400', etag: '"1"', 'content-type': 'text/markdown' },
  body: '# API\n\nCall `open` first.\n',
}
const down: Resource = { status: 503, headers: {}, body: 'We are down for maintenance.' }
await using origin = await startOrigin({ '/docs/api.md': () => (isDown ? down : page) }, () => now)

// The clock is an option, so that this example need not wait.
await using manager = await StreamingManager.temporary({ clock: () => now })
const fetch = createFetch(manager, { type: 'private' })

/** The tool: what it returns goes into the model's context, so an error page must not. */
async function readDocumentation(path: string): Promise<string> {
  const response = await fetch(origin.url + path)
  const text = await response.text()
  if (!response.ok) return `cannot be read: ${response.status}`
  const { hit, fwdStatus } = getCacheStatus(response) ?? {}
  const answer = fwdStatus === undefined ? '' : `, as the site answered ${fwdStatus}`
  return `${text.split('\n')[0]}, from the ${hit === true || answer !== '' ? 'cache' : 'site'}${answer}`
}

async function show(when: string): Promise<void> {
  console.log(`${when.padEnd(27)} ${await readDocumentation('/docs/api.md')}`)
}

await show('first')
await show('again')
now += 600_000
await show('ten minutes later')
now += 3_600_000
isDown = true
await show('an hour later, site down')
now += 100_000_000
await show('a day later, still down')
