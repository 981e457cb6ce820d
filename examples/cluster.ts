/** How do the workers of a cluster share one cache? */
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install, StreamingManager } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

if (cluster.isPrimary) await runPrimary(3)
else await runWorker()

async function runPrimary(count: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'cluster-'))
  await using origin = await startOrigin({
    '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
  })
  const workers: Worker[] = []
  for (let i = 0; i < count; i++) {
    const worker = cluster.fork({ CACHE_DIRECTORY: directory, URL_TO_GET: `${origin.url}/hello` })
    await once(worker, 'message')
    workers.push(worker)
  }
  for (const [i, worker] of workers.entries()) {
    worker.send('get')
    const [answer] = (await once(worker, 'message')) as [string]
    console.log(`worker ${i + 1}: ${answer}`)
  }
  console.log(`The origin was asked ${origin.requests} time.`)
  await Promise.all(
    workers.map(async (worker) => {
      worker.disconnect()
      await once(worker, 'exit')
    }),
  )
  await rm(directory, { recursive: true })
}

/** Each worker opens the same directory. What one has stored, the others find; the limits hold for all together. */
async function runWorker(): Promise<void> {
  const manager = await StreamingManager.open(process.env['CACHE_DIRECTORY'] ?? '')
  install(manager)
  process.send?.('ready')
  const answer = async (): Promise<void> => {
    const response = await fetch(process.env['URL_TO_GET'] ?? '')
    const text = await response.text()
    // So that this example need not wait for the second in which small bodies are written.
    await manager.runPendingTasks()
    process.send?.(`${text}  ${response.headers.get('cache-status')}`)
  }
  process.on('message', () => void answer())
  process.once('disconnect', () => void manager.close())
}
