/**
 * Responses on their way into the store, from the first byte to the commit.
 *
 * Content is renamed into place, then the bucket is replaced, then the catalogue holds the record: whatever is missing
 * after a crash leaves a miss, never a wrong hit.
 */
import type { BodyWriter } from '../content-store/body-writer.ts'
import { describeBody } from '../content-store/small-bodies.ts'
import type { StoredHead } from '../policy/storing.ts'
import { sharedLines } from '../common-strings.ts'
import { PassingMap } from '../passing-map.ts'
import { headSize, type StoredBody, type StoredResponse } from '../stored-response.ts'
import { diskSize } from './disk-use.ts'
import type { Holdings } from './holdings.ts'
import type { Invalidations } from './invalidations.ts'
import type { ResolvedManagerOptions } from './options.ts'
import { PendingStore, type AbortReason } from './pending-store.ts'
import type { Statistics } from './statistics.ts'

export class Committer {
  readonly #holdings: Holdings
  readonly #invalidations: Invalidations
  readonly #statistics: Statistics
  readonly #options: ResolvedManagerOptions
  /** By number. */
  readonly #open = new PassingMap<number, PendingStore>()
  readonly #commits = new Map<string, Promise<void>>()
  #begun = 0
  #closed = false

  constructor(
    holdings: Holdings,
    invalidations: Invalidations,
    statistics: Statistics,
    options: ResolvedManagerOptions,
  ) {
    this.#holdings = holdings
    this.#invalidations = invalidations
    this.#statistics = statistics
    this.#options = options
  }

  /** A commit of this key that is under way: what is looked up for it meanwhile waits. Never rejects. */
  underWay(key: string): Promise<void> | undefined {
    return this.#commits.size === 0 ? undefined : this.#commits.get(key)
  }

  /**
   * Begins to store a response whose request was sent in this generation of invalidations. Undefined when it is known
   * beforehand that it would not be kept.
   */
  begin(head: StoredHead, declaredSize: number | undefined, generation: number): PendingStore | undefined {
    const refusal = this.#whyNotBegin(head, declaredSize)
    if (refusal !== undefined) {
      this.#statistics.refused(head.key, refusal)
      return undefined
    }
    const number = this.#begun++
    const pending = new PendingStore({
      head,
      declaredSize,
      maxBodySize: this.#options.maxBodySize,
      createWriter: () => this.#holdings.store.createWriter(),
      waitingBytes: this.#holdings.store.waitingBytes,
      queue: this.#holdings.unwritten,
      onEnd: (store, outcome) => {
        this.#open.delete(number)
        if (outcome !== 'commit') return this.#abandon(store, outcome)
        // What is small is there at once, but for others on the directory, who look for it on disk.
        if (store.writer === undefined && !this.#holdings.membership.hasCompany)
          return Promise.resolve(this.#commitToMemory(store, generation))
        return this.#track(store, generation)
      },
    })
    this.#open.set(number, pending)
    return pending
  }

  /** Gives up what is still arriving; what is whole is committed. */
  close(): void {
    this.#closed = true
    for (const pending of [...this.#open.values()]) pending.abort('closed')
  }

  #whyNotBegin(head: StoredHead, declaredSize: number | undefined): AbortReason | undefined {
    if (this.#closed) return 'closed'
    if (headSize(head) > this.#options.maxHeaderSize) return 'large-headers'
    if (declaredSize === undefined) return undefined
    if (declaredSize > this.#options.maxBodySize) return 'too-large'
    return this.#holdings.catalogue.wouldAdmit(head, declaredSize) ? undefined : 'not-admitted'
  }

  async #abandon(pending: PendingStore, reason: AbortReason): Promise<boolean> {
    this.#statistics.refused(pending.head.key, reason)
    const aborted = pending.writer?.abort(reason)
    if (aborted !== undefined) this.#holdings.tasks.add(aborted)
    await aborted
    return false
  }

  async #track(pending: PendingStore, generation: number): Promise<boolean> {
    const { key } = pending.head
    const commit = this.#commit(pending, generation).catch((error) => {
      this.#statistics.fault('store', error, key)
      return false
    })
    const tail = Promise.all([this.#commits.get(key), commit]).then(() => {
      if (this.#commits.get(key) === tail) this.#commits.delete(key)
    })
    this.#commits.set(key, tail)
    this.#holdings.tasks.add(tail)
    return await commit
  }

  /** Resolves with whether a small response is stored: it answers from now on, and is written in the background. */
  #commitToMemory(pending: PendingStore, generation: number): boolean {
    const { head } = pending
    const body = pending.smallBody()
    const record = recordOf(head, describeBody(body))
    const refusal = this.#holdings.unwritten.hasRoomFor(record.body.size)
      ? this.#whyNotCommit(record, generation)
      : ('queue-full' as AbortReason)
    if (refusal !== undefined) {
      this.#statistics.refused(head.key, refusal)
      return false
    }
    const isKept = this.#holdings.addUnwritten(record, body)
    if (isKept) this.#statistics.stored(record.key, record.body.size)
    return isKept
  }

  async #commit(pending: PendingStore, generation: number): Promise<boolean> {
    const { head } = pending
    const writer = pending.writer ?? this.#writerOf(pending.smallBody())
    const body = await writer.finish()
    if (body === undefined) throw writer.failure
    const record = recordOf(head, body)
    // What was invalidated elsewhere meanwhile must not come back with this.
    if (this.#holdings.membership.hasCompany) await this.#holdings.membership.poll()
    const refusal = this.#whyNotCommit(record, generation)
    if (refusal !== undefined) {
      this.#statistics.refused(head.key, refusal)
      await writer.abort(refusal)
      return false
    }
    try {
      return await this.#holdings.guarding(record, async () => {
        await this.#holdings.store.publish(writer, body)
        const isStored = await this.#holdings.add(record)
        const isVoid = this.#invalidations.concern(record, generation)
        if (isVoid) this.#holdings.discard(record)
        const isKept = isStored && !isVoid
        if (isKept) this.#statistics.stored(record.key, body.size)
        return isKept
      })
    } catch (error) {
      await writer.abort(error)
      throw error
    }
  }

  #writerOf(body: Buffer): BodyWriter {
    const writer = this.#holdings.store.createWriter()
    writer.write(body)
    return writer
  }

  #whyNotCommit(record: StoredResponse, generation: number): AbortReason | undefined {
    if (this.#invalidations.concern(record, generation)) return 'invalidated'
    const current = this.#holdings.catalogue.current(record)
    // Of two overlapping fetches the later request wins, not the later end.
    if (current !== undefined && current.requestTime > record.requestTime) return 'superseded'
    const { catalogue, isProvisional, allowance } = this.#holdings
    if (isProvisional && !allowance.allows(diskSize(record))) return 'not-admitted'
    return catalogue.wouldAdmit(record, record.body.size) ? undefined : 'not-admitted'
  }
}

function recordOf(head: StoredHead, body: StoredBody): StoredResponse {
  return { ...head, fields: sharedLines(head.fields), body }
}
