/** Origins that break off, lie about lengths or frame nothing: what a caller sees is what it would see without the cache. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Agent, request, type Dispatcher } from 'undici'
import { cacheInterceptor, StreamingManager } from '../../../src/index.ts'
import { leftovers, temporaryDirectory } from '../../helpers/directory.ts'
import type { FaultPromise, Outcome } from './promise.ts'

type Answer = (socket: Socket, body: Buffer) => void

const HEAD = 'HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\netag: "e"\r\n'

function sends(fields: string, cut: (body: Buffer) => Buffer, end: 'end' | 'reset' | 'stay'): Answer {
  return (socket, body) => {
    socket.write(`${HEAD}${fields.replace('LENGTH', String(body.length))}\r\n`)
    socket.write(cut(body), () => {
      if (end === 'end') socket.end()
      else if (end === 'reset') setTimeout(() => socket.resetAndDestroy(), 5)
    })
  }
}

const whole = (body: Buffer): Buffer => body
const half = (body: Buffer): Buffer => body.subarray(0, body.length >> 1)
const chunks = (body: Buffer, end: string): Buffer =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from(`\r\n${end}`)])

/** None of these may be stored. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  'length, then half and an end': sends('content-length: LENGTH\r\n', half, 'end'),
  'length, then half and a reset': sends('content-length: LENGTH\r\n', half, 'reset'),
  'length, then nothing': sends('content-length: LENGTH\r\n', () => Buffer.alloc(0), 'end'),
  'chunks without the last': sends('transfer-encoding: chunked\r\n', (body) => chunks(body, ''), 'end'),
  'chunks without the last, and a reset': sends('transfer-encoding: chunked\r\n', (body) => chunks(body, ''), 'reset'),
  'a chunk cut in its middle': sends(
    'transfer-encoding: chunked\r\n',
    (body) => half(chunks(body, '0\r\n\r\n')),
    'end',
  ),
  'a chunk of no size': sends('transfer-encoding: chunked\r\n', (body) => chunks(body, 'xyz\r\n'), 'end'),
  'the last chunk without its end': sends('transfer-encoding: chunked\r\n', (body) => chunks(body, '0\r\n'), 'end'),
  'no length, and an end': sends('', whole, 'end'),
  'no length, and a reset': sends('', half, 'reset'),
  'an unknown coding, and an end': sends('transfer-encoding: other\r\n', whole, 'end'),
  'two lengths': sends('content-length: LENGTH\r\ncontent-length: 7\r\n', whole, 'end'),
  'length and chunks': sends(
    'content-length: LENGTH\r\ntransfer-encoding: chunked\r\n',
    (body) => chunks(body, '0\r\n\r\n'),
    'end',
  ),
  'a length that is no number': sends('content-length: LENGTHx\r\n', whole, 'end'),
  'a negative length': sends('content-length: -1\r\n', whole, 'end'),
  'a header section without end': (socket) => socket.end('HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n'),
  'nothing at all': (socket) => socket.end(),
}
export const SIZES: readonly number[] = [1, 1000, 65_536, 300_000]

/** What a caller sees: status, length and digest of what came, and whether it ended or how it failed. */
async function seen(url: string, dispatcher: Dispatcher): Promise<string> {
  let bytes = Buffer.alloc(0)
  let status = 0
  try {
    const { body, statusCode } = await request(url, { dispatcher, bodyTimeout: 2000, headersTimeout: 2000 })
    status = statusCode
    for await (const chunk of body) bytes = Buffer.concat([bytes, chunk as Buffer])
    return `${status}, ${bytes.length} bytes, whole`
  } catch (error) {
    // How much of a broken body arrives before the error is a matter of chance on loopback, too.
    return `${status}, ${(error as { code?: string }).code}`
  }
}

async function run(rounds: number): Promise<Outcome> {
  const names = Object.keys(ANSWERS)
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const [, n = '', size = ''] = /^GET \/(\d+)-(\d+)/.exec(data.toString('latin1')) ?? []
      ANSWERS[names[Number(n)] ?? '']?.(socket, Buffer.alloc(Number(size), 'body'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const directory = await temporaryDirectory()
  const manager = await StreamingManager.open(directory)
  const plain = new Agent()
  const cached = new Agent().compose(cacheInterceptor(manager))
  const failures: string[] = []
  let answers = 0
  for (let round = 0; round < rounds; round++) {
    for (const [n, name] of names.entries()) {
      for (const size of SIZES) {
        const path = `${url}/${n}-${size}`
        const [expected, first, second] = [await seen(path, plain), await seen(path, cached), await seen(path, cached)]
        answers += 2
        if (first !== expected || second !== expected)
          failures.push(`${name}, ${size}: ${first} and ${second}, not ${expected}`)
      }
    }
    await manager.runPendingTasks()
    await nextTurn()
    if (manager.entryCount > 0) failures.push(`round ${round}: ${manager.entryCount} stored as whole`)
  }
  const { temporary, descriptors } = await leftovers(directory)
  if (temporary + descriptors > 0) failures.push(`${temporary} temporary files and ${descriptors} descriptors left`)
  await manager.close()
  await plain.destroy()
  await cached.destroy()
  server.close()
  return { rounds, failures, counts: { answers } }
}

export const lyingOrigins: FaultPromise = {
  number: 8,
  name: 'lying origins',
  promise:
    'nothing that broke off or is not framed is stored as whole, and callers see what they would without the cache',
  rounds: { long: 10, short: 1 },
  run,
}
