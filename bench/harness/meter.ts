/**
 * What a round costs the process that does it: CPU time of all its threads, time on the wall's clock, bytes given to the
 * file system, and the longest stall of its event loop.
 *
 * A stall is the time between two firings of a 1 ms timer: it sees everything that keeps the loop from its timers, be it
 * our code, undici's, the bench's own, a collection, a system call that waits, or another process that has the
 * processor; it sees neither who it was nor anything below a millisecond. How much of it the thread was at work, by its
 * own CPU time, stands beside it: on a busy machine that is what the stall would be elsewhere, but for system calls.
 */
import { readFileSync } from 'node:fs'

export interface Cost {
  readonly cpuMs: number
  readonly wallMs: number
  readonly stallMs: number
  /** The longest time between two turns by the thread's own CPU time; not always the same two. */
  readonly busyStallMs: number
  readonly writtenBytes: number
}

const TICK_MS = 1

export async function metered<T>(work: () => Promise<T>): Promise<{ result: T; cost: Cost }> {
  await turn()
  const stalls = watchStalls()
  const written = writtenBytes()
  const begun = performance.now()
  const cpu = process.cpuUsage()
  try {
    const result = await work()
    const { user, system } = process.cpuUsage(cpu)
    const wallMs = performance.now() - begun
    // The timer has to fire once more to have seen the end.
    await turn()
    await new Promise((resolve) => setTimeout(resolve, 2 * TICK_MS))
    const cost = { cpuMs: (user + system) / 1000, wallMs, writtenBytes: writtenBytes() - written, ...stalls.longest }
    return { result, cost }
  } finally {
    stalls.end()
  }
}

export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

interface Stalls {
  readonly longest: Pick<Cost, 'stallMs' | 'busyStallMs'>
  end(): void
}

function watchStalls(): Stalls {
  const longest = { stallMs: 0, busyStallMs: 0 }
  let before = performance.now()
  let cpuBefore = threadCpuMs()
  const timer = setInterval(() => {
    const now = performance.now()
    const cpuNow = threadCpuMs()
    longest.stallMs = Math.max(longest.stallMs, now - before)
    longest.busyStallMs = Math.max(longest.busyStallMs, cpuNow - cpuBefore)
    before = now
    cpuBefore = cpuNow
  }, TICK_MS)
  return { longest, end: () => clearInterval(timer) }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Linux counts what a process gives to file systems that have a disk. */
function writtenBytes(): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
  } catch {
    return NaN
  }
}
