/**
 * Names of the files in `procs`: who has the directory open, and since when. See membership.ts.
 *
 *   <pid>-<run>-<host>-<start>-<member>-<journal>   start in milliseconds since the epoch, numbers within the process
 */

export interface Name {
  readonly name: string
  readonly pid: number
  readonly run: string
  readonly host: string
  readonly start: number
}

/** Whether one leads the other: by its start, and of two of one moment by its name. */
export function isBefore(a: Pick<Name, 'name' | 'start'>, b: Pick<Name, 'name' | 'start'>): boolean {
  return a.start === b.start ? memberOf(a) < memberOf(b) : a.start < b.start
}

/** The name without the number of the journal, so that a member that begins another one keeps its place. */
function memberOf({ name }: Pick<Name, 'name'>): string {
  return name.slice(0, name.lastIndexOf('-'))
}

/** Undefined for what is no such name. */
export function parseName(name: string): Name | undefined {
  const [, pid = '', run = '', host = '', start = ''] =
    /^(\d{1,10})-([0-9a-f]{8})-([0-9a-f]{8})-(\d{1,15})-\d{1,9}-\d{1,9}$/.exec(name) ?? []
  return pid === '' ? undefined : { name, pid: Number(pid), run, host, start: Number(start) }
}
