/** The flights under way, by the entry key of what they are to bring. */
import type { CacheEngine } from '../manager/cache-engine.ts'
import type { CacheRequest } from '../policy/cache-request.ts'
import { variantOf } from '../policy/vary.ts'
import { PassingMap } from '../passing-map.ts'
import { entryKey } from '../stored-response.ts'
import { Flight, type FlightListeners } from './flight.ts'

export class Flights {
  readonly #byName = new PassingMap<string, Flight>()
  readonly #isShared: boolean

  constructor(isShared: boolean) {
    this.#isShared = isShared
  }

  /**
   * Under which name a request flies: `name` is the entry key of what it selects, as far as the catalogue knows. Where
   * the response that is arriving under that has another Vary than was known, of that.
   */
  nameOf(name: string, request: CacheRequest): string {
    const record = this.#byName.get(this.#apart(name, request))?.record
    return record === undefined ? name : entryKey(request.key, variantOf(record.vary, request.fields))
  }

  /** The flight of this name that a request may join: not one that was sent before an invalidation of what it brings. */
  find(name: string, request: CacheRequest, engine: CacheEngine): Flight | undefined {
    const flight = this.#byName.get(this.#apart(name, request))
    if (flight === undefined || !flight.isOpen) return undefined
    const { key, generation, record } = flight
    const isVoid = generation !== undefined && engine.isInvalidatedSince(generation, record ?? { key, fields: [] })
    return isVoid ? undefined : flight
  }

  /** A new flight of this name. */
  begin(name: string, request: CacheRequest, onLost: FlightListeners['onLost']): Flight {
    const asked = this.#apart(name, request)
    let arriving = asked
    const flight = new Flight(request.key, {
      onLost,
      // Once its Vary is known to the catalogue, requests name the variant.
      onArrived: ({ variant }) => {
        const selected = this.#apart(entryKey(request.key, variant), request)
        if (this.#byName.get(selected)?.isOpen) return
        arriving = selected
        this.#byName.set(selected, flight)
      },
      onLanded: () => {
        this.#end(asked, flight)
        if (arriving !== asked) this.#end(arriving, flight)
      },
    })
    this.#byName.set(asked, flight)
    return flight
  }

  #end(name: string, flight: Flight): void {
    if (this.#byName.get(name) === flight) this.#byName.delete(name)
  }

  /** Name under which it is remembered whether answers to such a request can be shared. */
  sharing(request: CacheRequest): string {
    return this.#apart(request.key, request)
  }

  /**
   * Those whose answers differ in whether they may be stored do not wait for one another: with and without credentials in
   * a shared cache, and those that know no rules. No key has a space in its end.
   */
  #apart(name: string, { fields, mode }: CacheRequest): string {
    const hasCredentials = fields['authorization'] ?? fields['proxy-authorization'] ?? fields['cookie']
    const credentials = this.#isShared && hasCredentials !== undefined ? ' credentials' : ''
    return mode === 'ignore-rules' ? `${name}${credentials} rules` : name + credentials
  }
}
