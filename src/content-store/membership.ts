/**
 * Who has the directory open: one file in `procs` for each open manager, which is its journal (journal.ts). A process
 * that opens the directory twice is two members. Everybody lists the folder five times a second, without locks, which
 * Node does not have and which a killed process would leave behind; so all draw the same conclusions from the same names:
 *
 * - The member with the earliest start, of those that live, is the leader (member-name.ts).
 * - A member is dead when its process is; where that cannot be seen (another machine or pid namespace), and in case the
 *   pid has been given to another process, when it has not touched its file for two minutes.
 * - A journal that has ended, or whose writer has died, stays for some seconds, so that everybody reads its last notes;
 *   then the leader removes it. Who has not looked for as long starts over (`hasMissed`), and so does who finds its own
 *   file gone.
 * - Who sees nobody else writes nothing but keeps its latest invalidations, for somebody may have come since it looked.
 */
import { mkdir, readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { DirectoryError } from '../errors.ts'
import { unsharedFileSystem } from './file-system.ts'
import { JournalReader, JournalWriter, type Note } from './journal.ts'
import { DIRECTORY_MODE, isGone, RUN, type Layout } from './layout.ts'
import { hostTag, isBefore, parseName, type Name } from './member-name.ts'

/** For how long, in milliseconds, an ended journal stays; who has not polled for longer has missed something. */
const KEPT_MS = 10_000
/** Milliseconds between two signs of life, and after how many without one a member counts as dead. */
const SIGN_MS = 20_000
export const DEAD_MS = 120_000
/** Milliseconds between two looks at the signs of one member. */
const LOOK_MS = 5_000
/** For how long, in milliseconds, invalidations are kept for members that are not known yet. */
const RECENT_MS = 2_000
/** Bytes after which a journal is ended and another begun. */
const MAX_JOURNAL = 1_048_576

/** What a poll has brought. */
export interface News {
  /** Of the others, each one's in order. */
  readonly notes: readonly Note[]
  /** Somebody has died. */
  readonly hasDeath: boolean
  /** Notes may have been lost: what is held in memory cannot be trusted. */
  readonly hasMissed: boolean
}

const NOTHING: News = { notes: [], hasDeath: false, hasMissed: false }

interface Member extends Name {
  readonly journal: JournalReader
  isDead: boolean
  /** When it was found to be dead or ended, and when its signs of life were looked at, by `performance.now()`. */
  goneAt: number
  lookedAt: number
}

let joined = 0

export class Membership {
  #onNews: ((news: News) => void) | undefined
  /** Told of what goes wrong here. */
  onFault: ((error: unknown) => void) | undefined
  readonly #layout: Layout
  readonly #host: string
  readonly #members = new Map<string, Member>()
  /** Journals of our own that have ended, and when. */
  readonly #former = new Map<string, number>()
  readonly #recent: { readonly at: number; readonly note: Note }[] = []
  readonly #number = joined++
  #start = Date.now()
  #journals = 0
  #journal: JournalWriter | undefined
  #unheard: News = NOTHING
  #hasCompany = false
  #isLeader = false
  #polledAt = performance.now()
  #signAt = performance.now()
  #polling: Promise<void> | undefined
  #next: Promise<void> | undefined
  #hasLeft = false

  private constructor(layout: Layout, host: string) {
    this.#layout = layout
    this.#host = host
  }

  /** @throws {DirectoryError} see `ContentStore.join` */
  static async join(layout: Layout): Promise<Membership> {
    const membership = new Membership(layout, await hostTag())
    try {
      await membership.#register()
      await membership.#poll()
    } catch (error) {
      throw new DirectoryError(layout.directory, (error as Error).message, error)
    }
    if (membership.#hasCompany && !membership.#isLeader) await membership.#assertShareable()
    return membership
  }

  /** Told of every poll's news, before the poll resolves; at once of those that have waited for it. */
  set onNews(listener: (news: News) => void) {
    this.#onNews = listener
    this.#publish(NOTHING)
  }

  /** Another live member was there at the last poll. */
  get hasCompany(): boolean {
    return this.#hasCompany
  }

  /** It is for this member to evict and to clean up. */
  get isLeader(): boolean {
    return this.#isLeader
  }

  /** Runs of the processes that have the directory open. */
  get runs(): ReadonlySet<string> {
    return new Set([RUN, ...this.#living().map(({ run }) => run)])
  }

  /** Reads what the others have written until now. Rejects never. */
  async poll(): Promise<void> {
    if (this.#polling === undefined) return await this.#begin()
    // The one under way may have read already what is asked for.
    this.#next ??= this.#polling.then(() => {
      this.#next = undefined
      return this.#begin()
    })
    await this.#next
  }

  /** Tells the others. */
  note(note: Note): void {
    if (this.#hasLeft) return
    if (!('bodies' in note)) this.#recent.push({ at: performance.now(), note })
    if (this.#hasCompany) this.#journal?.append(note)
  }

  /** Resolves when the others can read all that was noted. */
  async flushed(): Promise<void> {
    await this.#journal?.flushed()
  }

  /** The last member leaves no file behind; others leave their journal to be read. */
  async leave(): Promise<void> {
    await this.poll()
    this.#hasLeft = true
    await this.#polling
    try {
      const own = [this.#journal?.name ?? '', ...this.#former.keys()]
      if (this.#hasCompany) this.#journal?.append({ note: 'ended' })
      await this.#journal?.close()
      for (const { journal } of this.#members.values()) await journal.close()
      if (this.#hasCompany) return
      for (const name of [...own, ...this.#members.keys()]) await this.#remove(name)
    } catch (error) {
      this.onFault?.(error)
    }
  }

  async #begin(): Promise<void> {
    if (this.#hasLeft) return
    this.#polling = this.#poll().catch((error) => this.onFault?.(error))
    await this.#polling
    this.#polling = undefined
  }

  async #poll(): Promise<void> {
    const now = performance.now()
    let hasMissed = now - this.#polledAt > KEPT_MS && this.#members.size > 0
    const names = await this.#names()
    if (names === undefined) return
    if (!names.some(({ name }) => name === this.#journal?.name)) {
      await this.#register()
      hasMissed = true
    }
    const read = await this.#read(names, now)
    // What has just ended may go on in a journal that came after the folder was listed.
    const isEnd = read.notes.some(({ note }) => note === 'ended')
    const more = isEnd ? await this.#read((await this.#names()) ?? [], now) : undefined
    this.#polledAt = now
    this.#elect()
    const notes = [...read.notes, ...(more?.notes ?? [])]
    this.#publish({ notes, hasDeath: read.hasDeath || more?.hasDeath === true, hasMissed })
    await this.#keepHouse(now)
  }

  /** What is new in the journals of these names. */
  async #read(names: readonly Name[], now: number): Promise<{ notes: Note[]; hasDeath: boolean }> {
    await this.#meet(names)
    const members = [...this.#members.values()]
    // Before their journals are read: what is read after a death is all there is.
    const deaths = await Promise.all(members.map((member) => this.#noteDeath(member, now)))
    const notes = await Promise.all(members.map(({ journal }) => journal.read()))
    return { notes: notes.flat(), hasDeath: deaths.includes(true) }
  }

  #publish(news: News): void {
    const { notes, hasDeath, hasMissed } = this.#unheard
    const all = {
      notes: [...notes, ...news.notes],
      hasDeath: hasDeath || news.hasDeath,
      hasMissed: hasMissed || news.hasMissed,
    }
    this.#unheard = this.#onNews === undefined ? all : NOTHING
    this.#onNews?.(all)
  }

  /** Names in the folder. Undefined when the whole directory is gone: it comes again with the next store, or never. */
  async #names(): Promise<Name[] | undefined> {
    try {
      const entries = await readdir(this.#layout.processes, { withFileTypes: true })
      // Links and pipes are planted.
      const names = entries.filter((entry) => entry.isFile()).map((entry) => parseName(entry.name))
      return names.filter((name) => name !== undefined)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      const made = await mkdir(this.#layout.processes, { mode: DIRECTORY_MODE }).then(
        () => true,
        () => false,
      )
      return made ? [] : undefined
    }
  }

  /** Begins a journal, and tells in it what those who see it only now may have missed. */
  async #register(): Promise<void> {
    const before = this.#journal
    if (before !== undefined) await before.close()
    this.#start = before === undefined ? this.#start : Date.now()
    await this.#beginJournal()
    for (const { note } of this.#recent) this.#journal?.append(note)
  }

  async #beginJournal(): Promise<void> {
    const name = `${process.pid}-${RUN}-${this.#host}-${this.#start}-${this.#number}-${this.#journals++}`
    const path = join(this.#layout.processes, name)
    this.#journal = await JournalWriter.create(name, path, (error) => this.onFault?.(error))
    // A file that was made just now is a sign of life.
    this.#signAt = performance.now()
  }

  /** Opens the journals of who has come, closes those of who has gone. */
  async #meet(names: readonly Name[]): Promise<void> {
    const present = new Set(names.map(({ name }) => name))
    for (const [name, { journal }] of this.#members) {
      if (present.has(name)) continue
      this.#members.delete(name)
      await journal.close()
    }
    for (const each of names) {
      const { name } = each
      if (name === this.#journal?.name || this.#former.has(name) || this.#members.has(name)) continue
      const journal = new JournalReader(join(this.#layout.processes, name))
      this.#members.set(name, { ...each, journal, isDead: false, goneAt: 0, lookedAt: -Infinity })
    }
  }

  /** Whether it has just been found dead. A sign of life, after a machine has slept, brings it back. */
  async #noteDeath(member: Member, now: number): Promise<boolean> {
    if (member.journal.isEnded) return false
    const wasDead = member.isDead
    const isVisible = member.host === this.#host
    if (isVisible && member.pid === process.pid) member.isDead = member.run !== RUN
    else if (isVisible && isGone(member.pid)) member.isDead = true
    else if (wasDead || now - member.lookedAt >= LOOK_MS) {
      const sign = await member.journal.lastSign()
      member.lookedAt = now
      member.isDead = sign !== undefined && Date.now() - sign > DEAD_MS
    }
    return member.isDead && !wasDead
  }

  #living(): Member[] {
    return [...this.#members.values()].filter(({ isDead, journal }) => !isDead && !journal.isEnded)
  }

  #elect(): void {
    const living = this.#living()
    const hadCompany = this.#hasCompany
    this.#hasCompany = living.length > 0
    const own = { name: this.#journal?.name ?? '', start: this.#start }
    this.#isLeader = living.every((member) => isBefore(own, member))
    if (this.#hasCompany && !hadCompany) for (const { note } of this.#recent) this.#journal?.append(note)
  }

  /** Removes journals that were kept long enough, begins another for one that is full, and gives a sign of life. */
  async #keepHouse(now: number): Promise<void> {
    while ((this.#recent[0]?.at ?? now) < now - RECENT_MS) this.#recent.shift()
    for (const member of this.#members.values()) {
      if (!member.isDead && !member.journal.isEnded) member.goneAt = 0
      else if (member.goneAt === 0) member.goneAt = now
      else if (this.#isLeader && now - member.goneAt > KEPT_MS) await this.#remove(member.name)
    }
    for (const [name, endedAt] of this.#former) {
      if (now - endedAt <= KEPT_MS) continue
      await this.#remove(name)
      this.#former.delete(name)
    }
    this.#journal?.retry()
    const full = this.#journal
    if (full !== undefined && full.size > MAX_JOURNAL) {
      this.#former.set(full.name, now)
      await this.#beginJournal()
      full.append({ note: 'ended' })
      await full.close()
    }
    if (now - this.#signAt < SIGN_MS || this.#journal === undefined) return
    this.#signAt = now
    const time = new Date()
    await utimes(join(this.#layout.processes, this.#journal.name), time, time)
  }

  async #remove(name: string): Promise<void> {
    if (name !== '') await rm(join(this.#layout.processes, name), { force: true })
  }

  async #assertShareable(): Promise<void> {
    const { directory } = this.#layout
    const name = await unsharedFileSystem(directory).catch(() => undefined)
    if (name === undefined) return
    const [first] = this.#living().toSorted((a, b) => (isBefore(a, b) ? -1 : 1))
    this.#hasLeft = true
    await this.#remove(this.#journal?.name ?? '')
    for (const { journal } of this.#members.values()) await journal.close()
    throw new DirectoryError(
      directory,
      `process ${first?.pid} has it open, and on a file system of type ${name} it cannot be shared; ` +
        'give each process a directory of its own, or put it on a local disk',
    )
  }
}
