/**
 * Other processes on the directory, as the engine sees them: what they note is done here as well, the leader cleans up
 * after those that have died, and the next leader takes over. See content-store/membership.ts for how they find each
 * other.
 *
 * A timer asks for news, sooner where there is much; a commit asks by itself (committer.ts). A hit never does.
 */
import type { News } from '../content-store/membership.ts'
import type { CacheEngine } from './cache-engine.ts'
import { sweep } from './recovery.ts'

/** Milliseconds between two looks at what others have noted. */
const POLL_MS = 200
/** The same for a leader that has just heard something: what others store is over the limits until it has evicted. */
const SOON_MS = 20
/** Milliseconds between two sweeps of a leader that has or had company. */
const SWEEP_MS = 600_000

export class Neighbours {
  readonly #engine: CacheEngine
  readonly #timer: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #noticing: Promise<void> = Promise.resolve()
  #sweeping: Promise<unknown> = Promise.resolve()
  #wasLeader: boolean
  /** Since the last sweep somebody else was there. */
  #hadCompany = false
  #sweptAt = performance.now()

  constructor(engine: CacheEngine) {
    const { membership } = engine.holdings
    this.#engine = engine
    this.#wasLeader = membership.isLeader
    membership.onFault = (error) => engine.statistics.fault('share', error)
    membership.onNews = (news) => this.#hear(news)
    this.#timer = setInterval(() => void membership.poll(), POLL_MS).unref()
  }

  /** The leader's last look: what others have left to it is done. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    const { membership } = this.#engine.holdings
    if (membership.isLeader) await membership.poll()
    await this.#noticing
    clearTimeout(this.#soon)
  }

  #hear({ notes, hasDeath, hasMissed }: News): void {
    const engine = this.#engine
    const { isLeader, hasCompany } = engine.holdings.membership
    if (engine.isClosed) return
    if (hasCompany) {
      // They look for it on disk.
      engine.holdings.tasks.add(engine.holdings.unwritten.flush())
      engine.holdings.snapshots.noteDoubt()
    }
    if (hasMissed) engine.startOver()
    if (isLeader && notes.length > 0) this.#askSoon()
    const changed = new Set<string>()
    const stored: string[] = []
    for (const note of notes) {
      if (note.note === 'invalidated') engine.invalidateUntil(note.key, note.time)
      else if (note.note === 'groups') engine.invalidateGroupsUntil(note.uri, new Set(note.groups), note.time)
      else if (note.note === 'cleared') engine.clearUntil(note.time)
      if ('key' in note) changed.add(note.key)
      if (note.note === 'stored') stored.push(...note.bodies)
      if (note.note === 'noticed') for (const sha256 of note.bodies) engine.holdings.allowance.heard(sha256)
      else if ('bodies' in note) for (const sha256 of note.bodies) engine.holdings.doubtful.add(sha256)
    }
    const doubtful = isLeader ? engine.holdings.doubtful.take() : []
    if (changed.size > 0 || doubtful.length > 0) {
      this.#noticing = this.#noticing.then(() => this.#noticeChanges(changed, stored, doubtful))
      engine.holdings.tasks.add(this.#noticing)
    }
    const isNew = isLeader && !this.#wasLeader
    if (isNew || !isLeader) engine.holdings.markUnreconciled()
    this.#wasLeader = isLeader
    this.#hadCompany ||= hasCompany
    const isDue = this.#hadCompany && performance.now() - this.#sweptAt > SWEEP_MS
    // Who has just started is about to look around anyway.
    const isStarting = engine.holdings.snapshots.restoration !== undefined
    if (isLeader && !isStarting && (isNew || hasDeath || hasMissed || isDue)) this.#sweep()
  }

  #askSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      void this.#engine.holdings.membership.poll()
    }, SOON_MS).unref()
  }

  #sweep(): void {
    this.#sweptAt = performance.now()
    this.#hadCompany = this.#engine.holdings.membership.hasCompany
    this.#sweeping = this.#sweeping.then(() => sweep(this.#engine))
    this.#engine.holdings.tasks.add(this.#sweeping)
  }

  /** One after the other, as they came: what the later look finds is what the earlier has left. */
  async #noticeChanges(
    changed: Iterable<string>,
    stored: readonly string[],
    doubtful: readonly string[],
  ): Promise<void> {
    for (const key of changed) {
      try {
        await this.#engine.noticeChange(key)
      } catch (error) {
        this.#engine.statistics.fault('share', error, key)
      }
    }
    const { membership } = this.#engine.holdings
    if (stored.length > 0 && membership.isLeader) membership.note({ note: 'noticed', bodies: stored })
    if (this.#engine.isClosed) return
    // Only now is it known who has stored the same body under another key.
    this.#engine.holdings.removeDoubtful(doubtful)
  }
}
