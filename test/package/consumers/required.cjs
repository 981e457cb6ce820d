/** The packed tarball by `require()`, as a CommonJS program gets it. */
const assert = require('node:assert/strict')
const { StreamingManager, cacheInterceptor, install, InvalidOptionError } = require('undici-streaming-cache')
const { version } = require('undici-streaming-cache/package.json')

async function main() {
  const manager = await StreamingManager.temporary()
  assert.equal(typeof cacheInterceptor(manager), 'function')
  await assert.rejects(StreamingManager.temporary({ maxEntries: 0 }), InvalidOptionError)
  const uninstall = install(manager)
  await manager.put('http://localhost/a', { headers: { 'cache-control': 'max-age=60' }, body: 'put' })
  // Nothing listens there: the answer comes from the store.
  const response = await fetch('http://localhost/a')
  assert.equal(await response.text(), 'put')
  uninstall()
  await manager.close()
  console.log(`version ${version}`)
}

void main()
