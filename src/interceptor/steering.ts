/**
 * What the user lays down beside the rules of RFC 9111: for single requests, by rules, and by options of the interceptor,
 * in this order, each option by itself. Modes and keys are worked out here, when a request comes; lifetimes in
 * `response-steering.ts`, when a response is stored or validated.
 */
import type { Statistics } from '../manager/statistics.ts'
import { cacheKey } from '../policy/cache-key.ts'
import type { CacheMode } from '../policy/cache-mode.ts'
import type { LaidDown } from '../policy/cache-request.ts'
import type { Terms } from '../stored-response.ts'
import { ambientOptions, ownOptions, type OwnOptions } from './cache-options.ts'
import { keyOf, type IncomingRequest } from './cache-request.ts'
import type { ReceivedOptions } from './dispatch.ts'
import { keyUri, resolveKeying, type KeyOptions, type Keying } from './keying.ts'
import { Rules, type Rule } from './rules.ts'
import { resolveMode, resolveSeconds, resolveTerms, type TermsOptions } from './terms-options.ts'

export interface SteeringOptions extends TermsOptions, KeyOptions {
  /** How requests use the cache for which neither they themselves nor a rule say it. Default `default`. */
  readonly mode?: CacheMode
  /** What is laid down for some requests and responses: the first that matches. Default none. */
  readonly rules?: readonly Rule[]
  /**
   * Seconds of freshness for errors that state none and may be stored without (404, 405, 410, 414, 501, others where they
   * say `public`). Default that of other responses.
   */
  readonly negativeTtl?: number
}

export interface ResolvedSteering {
  readonly mode: CacheMode
  readonly rules: Rules
  readonly terms: Terms | undefined
  readonly negativeTtl: number | undefined
  readonly keying: Keying
}

/** What it needs of the interceptor's options. */
export interface Steerable {
  readonly steering: ResolvedSteering
  readonly partition: string
}

/** @throws {InvalidOptionError} when an option is wrong */
export function resolveSteering(options: SteeringOptions): ResolvedSteering {
  return {
    mode: resolveMode('mode', options.mode) ?? 'default',
    rules: new Rules(options.rules ?? []),
    terms: resolveTerms('', options),
    negativeTtl: resolveSeconds('negativeTtl', options.negativeTtl),
    keying: resolveKeying('', options),
  }
}

/** How requests are steered, before their responses are known. */
export class Steering {
  readonly #options: ResolvedSteering
  readonly #partition: string
  readonly #statistics: Statistics
  /** Something is laid down for requests that say nothing themselves. */
  readonly #concernsAll: boolean

  constructor({ steering, partition }: Steerable, statistics: Statistics) {
    const { mode, rules, keying } = steering
    this.#options = steering
    this.#partition = partition
    this.#statistics = statistics
    this.#concernsAll =
      mode !== 'default' || rules.haveModes || keying.key !== undefined || keying.ignores !== undefined
  }

  /** The request as it is laid down: in its mode, with its key. `uri` is its target. */
  steer(request: IncomingRequest, uri: string, received: ReceivedOptions): IncomingRequest {
    const own = this.#ownOptions(received.httpCache, uri)
    if (own === undefined && !this.#concernsAll) return request
    const mode = own?.mode ?? this.#options.rules.modeOf(uri) ?? this.#options.mode
    const key = this.#rekeyed(request.key, request, uri, own)
    const isPlain = key === request.key && own?.terms === undefined && !own?.tags.length
    const laidDown: LaidDown | undefined = isPlain ? undefined : { uri, terms: own?.terms, tags: own?.tags ?? [] }
    return request.steered(key, mode, laidDown)
  }

  /** Keys of GETs for other URIs, as they are for requests that are dispatched like this one, which has this target. */
  keyer(request: IncomingRequest, target: string, received: ReceivedOptions): (uri: string) => string {
    const own = this.#ownOptions(received.httpCache, target)
    return (uri) => {
      const key = keyOf('GET', uri, request.fields['host'], this.#partition)
      return this.#rekeyed(key, { method: 'GET', fields: request.fields }, uri, own)
    }
  }

  #rekeyed(
    key: string,
    request: Pick<IncomingRequest, 'method' | 'fields'>,
    uri: string,
    own: OwnOptions | undefined,
  ): string {
    const keying = this.#keyingOf(own)
    if (keying.key === undefined && keying.ignores === undefined) return key
    // What follows the URI in it stays: host and partition.
    const suffix = key.slice(cacheKey(request.method, uri).length)
    return cacheKey(request.method, keyUri(uri, request, keying, this.#statistics) + suffix)
  }

  #keyingOf(own: OwnOptions | undefined): Keying {
    const { key, ignores } = this.#options.keying
    return own === undefined ? this.#options.keying : { key: own.key ?? key, ignores: own.ignores ?? ignores }
  }

  /** What is wrong in a request's own field is an event, and as good as not given. */
  #ownOptions(field: unknown, uri: string): OwnOptions | undefined {
    try {
      return ownOptions(field)
    } catch (error) {
      this.#statistics.fault('httpCache', error, uri)
      return ambientOptions()
    }
  }
}
