/** Who has a directory open, as it looks from outside: for those who want to look at it without joining (membership.ts). */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { JournalReader } from './journal.ts'
import { isGone, type Layout } from './layout.ts'
import { hostTag, isBefore, parseName, type Name } from './member-name.ts'
import { DEAD_MS } from './membership.ts'

/** One manager that has the directory open. */
export interface Member {
  readonly pid: number
  /** Names this run of the process in what it writes. */
  readonly run: string
  /** When it opened the directory, in milliseconds since the epoch. */
  readonly since: number
}

/** Those that live, the leader first. */
export async function livingMembers(layout: Layout): Promise<Member[]> {
  const files = await readdir(layout.processes, { withFileTypes: true }).catch(() => [])
  const host = await hostTag()
  const living: Name[] = []
  for (const name of files.filter((file) => file.isFile()).map((file) => parseName(file.name))) {
    if (name !== undefined && (await isLiving(name, host, join(layout.processes, name.name)))) living.push(name)
  }
  const inOrder = living.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
  return inOrder.map(({ pid, run, start }) => ({ pid, run, since: start }))
}

async function isLiving({ pid, host: ofMember }: Name, host: string, path: string): Promise<boolean> {
  if (ofMember === host && isGone(pid)) return false
  const journal = new JournalReader(path)
  try {
    // Where its process cannot be seen, it lives as long as it gives signs.
    const sign = await journal.lastSign()
    if (sign === undefined || Date.now() - sign > DEAD_MS) return false
    await journal.read()
    return !journal.isEnded
  } finally {
    await journal.close()
  }
}
