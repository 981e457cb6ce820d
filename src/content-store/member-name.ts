/**
 * The name of a journal, which says whose it is:
 *
 *   <pid>-<run>-<host>-<start>-<member>-<journal>
 *
 * `run` and `host` are digits in hexadecimal, `member` and `journal` numbers within the process and the member.
 */
import { createHash } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

export interface Name {
  readonly name: string
  readonly pid: number
  readonly run: string
  readonly host: string
  /** When it opened the directory, in milliseconds since the epoch. */
  readonly start: number
}

/** Which of two members leads, if it comes to that: the one with the earlier start, or else whose name sorts first. */
export function isBefore(a: Pick<Name, 'name' | 'start'>, b: Pick<Name, 'name' | 'start'>): boolean {
  return a.start === b.start ? memberOf(a) < memberOf(b) : a.start < b.start
}

/** The name without the number of the journal, so that a member that begins another one keeps its place. */
function memberOf({ name }: Pick<Name, 'name'>): string {
  return name.slice(0, name.lastIndexOf('-'))
}

/** Undefined for what is nobody's journal. */
export function parseName(name: string): Name | undefined {
  const [, pid = '', run = '', host = '', start = ''] =
    /^(\d{1,10})-([0-9a-f]{8})-([0-9a-f]{8})-(\d{1,15})-\d{1,9}-\d{1,9}$/.exec(name) ?? []
  return pid === '' ? undefined : { name, pid: Number(pid), run, host, start: Number(start) }
}

let ownTag: Promise<string> | undefined

/** Same for processes that see each other's pids: on one machine and in one pid namespace (containers have their own). */
export async function hostTag(): Promise<string> {
  ownTag ??= findHostTag()
  return await ownTag
}

async function findHostTag(): Promise<string> {
  const [namespace, machine] = await Promise.all([
    readlink('/proc/self/ns/pid').catch(() => ''),
    readFile('/etc/machine-id', 'utf8').catch(() => ''),
  ])
  return createHash('sha256').update(`${hostname()} ${machine} ${namespace}`).digest('hex').slice(0, 8)
}
