/**
 * Which run of the machine this is, from one start of its kernel to the next. When it differs from the one that a
 * directory was last used in, the last one may have ended without writing back what programs had written.
 */
import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'

/** Seconds by which the start of one run of the machine may seem to move, for clocks are set and rounded. */
const JITTER_S = 10

/** Its name: the kernel's own where it has one (Linux), else when it began, in seconds since the epoch. */
export async function currentBoot(): Promise<string> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return id.trim() || String(Math.round(bootedAt() / 1000))
}

/** By mistake only of a machine that was started twice within seconds. Taken for another, it costs a look at the disk. */
export function isSameBoot(a: string, b: string): boolean {
  return a === b || Math.abs(Number(a) - Number(b)) <= JITTER_S
}

/** When it began, in milliseconds since the epoch by the clock of now. */
export function bootedAt(): number {
  return Date.now() - uptime() * 1000
}
