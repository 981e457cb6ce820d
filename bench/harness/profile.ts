/** Where the processor's time goes: V8's sampling profiler around a few rounds, read as self time by function. */
import { Session, type Profiler } from 'node:inspector/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const INTERVAL_US = 200
const SHOWN = 15
const ROOT = resolve(import.meta.dirname, '../..')

/** The fifteen functions with most self time, after the sums by whose they are. */
export async function profiled(work: () => Promise<void>): Promise<string[]> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
  await session.post('Profiler.start')
  await work()
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return describe(profile)
}

function describe({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byFunction = new Map<string, number>()
  const byOwner = new Map<string, number>()
  let total = 0
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id)
    const micros = timeDeltas[i] ?? 0
    // Nor what it takes to start and to stop the profiler.
    if (frame === undefined || frame.functionName === '(idle)' || frame.url === 'node:inspector') continue
    const owner = ownerOf(frame)
    const name = `${owner.padEnd(9)} ${frame.functionName || '(anonymous)'}${placeOf(frame)}`
    byFunction.set(name, (byFunction.get(name) ?? 0) + micros)
    byOwner.set(owner, (byOwner.get(owner) ?? 0) + micros)
    total += micros
  }
  const percent = (micros: number): string => `${((micros / total) * 100).toFixed(1).padStart(5)} %`
  const largest = (sums: ReadonlyMap<string, number>): (readonly [string, number])[] =>
    [...sums].toSorted(([, a], [, b]) => b - a)
  return [
    `${(total / 1000).toFixed(0)} ms of the main thread, idle time left out; by owner:`,
    ...largest(byOwner).map(([owner, micros]) => `  ${percent(micros)}  ${owner}`),
    'self time by function:',
    ...largest(byFunction)
      .slice(0, SHOWN)
      .map(([name, micros]) => `  ${percent(micros)}  ${name}`),
  ]
}

/** `kernel`: what V8 does not see into, system calls above all, and calls into C++. */
function ownerOf({ functionName, url }: { functionName: string; url: string }): string {
  if (functionName === '(garbage collector)') return 'collector'
  if (url === '') return 'kernel'
  if (url.startsWith('node:internal/deps/undici')) return 'undici'
  if (url.startsWith('node:')) return 'node'
  const path = placeInRoot(url)
  if (path.startsWith('node_modules/undici')) return 'undici'
  if (path.startsWith('node_modules/')) return path.split('/')[1] ?? 'modules'
  return path.startsWith('bench/') ? 'bench' : 'ours'
}

function placeOf({ url, lineNumber }: { url: string; lineNumber: number }): string {
  return url === '' ? '' : `  ${placeInRoot(url)}:${lineNumber + 1}`
}

function placeInRoot(url: string): string {
  if (url.startsWith('node:')) return url
  return relative(ROOT, url.startsWith('file:') ? fileURLToPath(url) : url)
}
