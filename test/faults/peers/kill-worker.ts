/** Stores through a peer until it is killed: see trials.ts. */
import { seeded } from '../promises/promise.ts'
import { workerPath, WORKER_PATHS } from '../promises/kill.ts'
import { PEERS } from './peers.ts'

const [name, directory = '', url = '', seed = ''] = process.argv.slice(2)
const WRITERS = 8

const random = seeded(Number(seed))
const peer = await PEERS.find((each) => each.name === name)?.open(directory)
console.log('begun')
await Promise.all(
  Array.from({ length: WRITERS }, async () => {
    for (;;) await peer?.ask(url + workerPath(1 + Math.floor(random() * (WORKER_PATHS - 1))))
  }),
)
