/** A cache in a process of its own, which does as it is told by messages: see `startProcess` in processes.ts. */
import { Agent } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../src/index.ts'
import { answer } from './cache.ts'
import type { Command } from './processes.ts'

const [, , directory = '', options = '{}'] = process.argv
const manager = await StreamingManager.open(directory, JSON.parse(options))
const dispatcher = new Agent().compose(cacheInterceptor(manager))

async function run(command: Command): Promise<object> {
  switch (command.do) {
    case 'get': {
      const { text, cache, statusCode } = await answer(dispatcher, command.url)
      return { text, cache, statusCode }
    }
    case 'post':
      return { statusCode: (await answer(dispatcher, command.url, { method: 'POST' })).statusCode }
    case 'delete':
      return { found: await manager.delete(command.url) }
    case 'clear':
      await manager.clear()
      return {}
    case 'settle':
      await manager.runPendingTasks()
      return manager.stats()
    case 'close':
      await manager.close()
      return manager.stats()
  }
}

process.on('message', ({ id, command }: { id: number; command: Command }) => {
  run(command).then(
    (result) => process.send?.({ id, result }),
    (error: Error) => process.send?.({ id, error: error.stack ?? error.message }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('open')
