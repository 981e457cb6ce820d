/** What a 304, or a 200 to HEAD, changes in what is stored (RFC 9111 sections 3.2, 4.3.4 and 4.3.5). */
import { sharedLines } from '../common-strings.ts'
import { keyOfGet } from '../policy/cache-key.ts'
import type { CacheRequest, PolicySettings, ResponseHead } from '../policy/cache-request.ts'
import { withTerms } from '../policy/terms.ts'
import { storedFields, updateOf, type Times } from '../policy/storing.ts'
import { freshened, hasStrongTagOf, isFor, updatedByHead } from '../policy/validation.ts'
import { variantOf, varyNames } from '../policy/vary.ts'
import { headSize, type StoredResponse } from '../stored-response.ts'
import type { Holdings } from './holdings.ts'
import type { ResolvedManagerOptions } from './options.ts'
import type { Statistics } from './statistics.ts'

export class Freshening {
  readonly #holdings: Holdings
  readonly #statistics: Statistics

  readonly #maxHeaderSize: number

  constructor(holdings: Holdings, statistics: Statistics, { maxHeaderSize }: ResolvedManagerOptions) {
    this.#holdings = holdings
    this.#statistics = statistics
    this.#maxHeaderSize = maxHeaderSize
  }

  /**
   * RFC 9111 section 4.3.4: a 304 freshens the stored response, in memory only: body and bucket are not touched.
   * Undefined when the 304 is not for this response.
   */
  freshen(
    stored: StoredResponse,
    request: CacheRequest,
    notModified: ResponseHead,
    times: Times,
    settings: PolicySettings,
  ): StoredResponse | undefined {
    if (!isFor(notModified, stored)) return undefined
    for (const other of this.#holdings.catalogue.matching(stored.key, request)) {
      if (other.variant === stored.variant || !hasStrongTagOf(notModified, other)) continue
      this.#update(other, freshened(other, notModified, times), request, settings)
    }
    return this.#update(stored, freshened(stored, notModified, times), request, settings)
  }

  /** What answers the request; it is held only where it may be. Undefined when Vary says that it can answer nothing. */
  #update(
    before: StoredResponse,
    updated: StoredResponse,
    request: CacheRequest,
    settings: PolicySettings,
  ): StoredResponse | undefined {
    const modified = this.#modified(updated, request, settings)
    const after = modified ?? updated
    const vary = varyNames(after.fields)
    if (vary === undefined) return undefined
    const variant = variantOf(vary, request.fields)
    const named = { ...after, vary, variant, fields: sharedLines(after.fields) }
    const record = settings.steer === undefined ? named : withTerms(named, settings.steer(request, named).terms)
    const current = this.#holdings.catalogue.current(before)
    if (current === undefined || current.body.sha256 !== before.body.sha256) return record
    // Each 304 may bring fields of other names.
    const isTooLarge = headSize(record) > this.#maxHeaderSize
    if (isTooLarge) this.#statistics.refused(record.key, 'large-headers')
    const update = isTooLarge || modified === undefined ? 'drop' : updateOf(record, request, settings)
    // Its file may be gone before it is opened for this request: then that is a miss.
    if (update === 'drop') this.#holdings.remove(current)
    else if (update === 'keep' && record.variant === before.variant) this.#holdings.update(current, record)
    else if (update === 'keep') this.#rename(current, record)
    return record
  }

  /** Undefined where the user's function has failed: it may be there to take something out. */
  #modified(updated: StoredResponse, request: CacheRequest, settings: PolicySettings): StoredResponse | undefined {
    if (settings.modify === undefined) return updated
    try {
      const { statusCode, statusMessage, fields } = settings.modify(request, updated)
      return {
        ...updated,
        statusCode,
        statusMessage,
        fields: storedFields(fields, updated.responseTime, updated.scope),
      }
    } catch (error) {
      this.#statistics.fault('modifyResponse', error, updated.key)
      return undefined
    }
  }

  /** RFC 9111 section 4.3.5: a 200 to HEAD updates or takes out the responses to GET that the request could select. */
  noteHead(request: CacheRequest, head: ResponseHead, times: Times, settings: PolicySettings): void {
    if (head.statusCode !== 200) return
    for (const stored of this.#holdings.catalogue.matching(keyOfGet(request.key), request)) {
      if (stored.statusCode !== 200) continue
      const updated = updatedByHead(stored, head, times)
      if (updated === undefined || this.#update(stored, updated, request, settings) === undefined) {
        this.#holdings.remove(stored)
      }
    }
  }

  /** A 304 changed what the response varies on: its name changes, in memory and in the bucket. */
  #rename(before: StoredResponse, after: StoredResponse): void {
    const body = this.#holdings.unwritten.bodyOf(before)
    if (body !== undefined) {
      this.#holdings.remove(before)
      this.#holdings.addUnwritten(after, body)
      return
    }
    const renamed = this.#holdings.guarding(after, async () => {
      this.#holdings.remove(before)
      await this.#holdings.add(after)
    })
    this.#holdings.tasks.add(renamed.catch((error) => this.#statistics.fault('store', error, after.key)))
  }
}
