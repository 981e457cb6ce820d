/**
 * `undici-streaming-cache/otel`: a cache as OpenTelemetry sees it. The API is an optional peer dependency, and this room
 * the only one that imports it.
 */
import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api'
import { PACKAGE_NAME } from '../diagnostics.ts'
import { InvalidOptionError } from '../errors.ts'
import { rejectUnknown } from '../manager/options.ts'
import { engineOf, type StreamingManager } from '../manager/streaming-manager.ts'
import { HIT, PREFIX } from './attributes.ts'
import { observeCounts } from './counts.ts'
import { observeHits } from './hits.ts'

export interface InstrumentOptions {
  /** Tells this cache from others of the process: the attribute `undici_streaming_cache.name`. Default none. */
  readonly name?: string
  /** Default: the one registered with the API. */
  readonly tracerProvider?: TracerProvider
  /** Default: the one registered with the API. */
  readonly meterProvider?: MeterProvider
}

/**
 * Spans and `http.client.request.duration` for hits, which no instrumentation of undici sees, and metrics of the counts
 * that `manager.stats()` has. Nothing is done for a hit while no manager is instrumented.
 *
 * @returns a function that ends it; `close()` of the manager does not
 * @throws {InvalidOptionError} when it is no manager, or an option is of the wrong type
 *
 * @example
 * const stop = instrument(manager)
 */
export function instrument(manager: StreamingManager, options: InstrumentOptions = {}): () => void {
  engineOf(manager)
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  rejectUnknown(options, { name: true, tracerProvider: true, meterProvider: true })
  const { name, tracerProvider = trace, meterProvider = metrics } = options
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new InvalidOptionError('name', 'a string that is not empty', name)
  if (typeof tracerProvider?.getTracer !== 'function')
    throw new InvalidOptionError('tracerProvider', 'a TracerProvider', tracerProvider)
  if (typeof meterProvider?.getMeter !== 'function')
    throw new InvalidOptionError('meterProvider', 'a MeterProvider', meterProvider)
  const meter = meterProvider.getMeter(PACKAGE_NAME)
  const attributes = name === undefined ? {} : { [`${PREFIX}.name`]: name }
  const stopHits = observeHits(
    manager.directory,
    { ...HIT, ...attributes },
    tracerProvider.getTracer(PACKAGE_NAME),
    meter,
  )
  const stopCounts = observeCounts(manager, meter, attributes)
  return function stop() {
    stopHits()
    stopCounts()
  }
}
