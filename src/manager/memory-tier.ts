/**
 * Small bodies that are asked for often, in memory, bounded in bytes: the index structure a second time, over bodies. It
 * holds nothing that is not stored, and its loss costs a read.
 */
import { isIntact } from '../content-store/small-bodies.ts'
import { MetadataIndex } from '../metadata-index/metadata-index.ts'
import { PreparedFields, preparedSize } from '../policy/prepared-fields.ts'
import { CHUNK_SIZE, entryKey, type StoredResponse } from '../stored-response.ts'

/** A stored response with all that answering by it takes. */
export class HotResponse {
  readonly stored: StoredResponse
  readonly body: Buffer
  readonly fields: PreparedFields
  /** Where the catalogue and this tier had it last. */
  place = 0
  slot = 0

  constructor(stored: StoredResponse, body: Buffer) {
    this.stored = stored
    this.body = body
    this.fields = new PreparedFields(stored.fields)
  }
}

/** Bodies of at most this many bytes are read, held and handed on in one piece. */
export const SMALL_BODY: number = CHUNK_SIZE

/** Bytes of the objects that hold one. */
const OVERHEAD = 500

export class MemoryTier {
  readonly #index: MetadataIndex<HotResponse> | undefined

  /** `maxMemory` in bytes; 0 for none. */
  constructor(maxMemory: number) {
    if (maxMemory > 0) this.#index = new MetadataIndex({ maxEntries: 2 ** 24, maxWeight: maxMemory, goal: 'objects' })
  }

  /** Bytes held. */
  get size(): number {
    return this.#index?.weight ?? 0
  }

  /** What is in memory under this entry key: it may be of another response than the one that is stored now. Counts nothing. */
  peek(name: string): HotResponse | undefined {
    const slot = this.#index?.slotOf(name) ?? 0
    const hot = this.#index?.at(slot)
    if (hot !== undefined) hot.slot = slot
    return hot
  }

  /** One request for this response: what of it is in memory, checked. `known` is what `peek` has found under its name. */
  get(
    stored: StoredResponse,
    name: string = entryKey(stored.key, stored.variant),
    known: HotResponse | undefined = this.peek(name),
  ): HotResponse | undefined {
    if (known === undefined) {
      this.#index?.miss(name)
      return undefined
    }
    this.#index?.hit(known.slot)
    // Whom it was handed to may have written in it.
    if (known.stored.body.sha256 !== stored.body.sha256 || !isIntact(known.body, stored.body)) {
      this.#index?.delete(name)
      return undefined
    }
    if (known.stored === stored) return known
    const freshened = new HotResponse(stored, known.body)
    this.#index?.update(name, freshened)
    return freshened
  }

  /** Holds a body that was just read or stored, where it is worth it. */
  add(stored: StoredResponse, body: Buffer): void {
    const name = entryKey(stored.key, stored.variant)
    const weight = body.length + preparedSize(stored.fields) + OVERHEAD
    if (this.#index?.wouldAdmit(name, weight) !== true) return
    this.#index.set(name, new HotResponse(stored, body), weight)
  }

  /** What is stored no more need not be held. */
  remove(stored: StoredResponse): void {
    this.#index?.delete(entryKey(stored.key, stored.variant))
  }
}
