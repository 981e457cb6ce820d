/** The counts of `manager.stats()` as observable instruments: read when somebody collects, and never counted twice. */
import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { ManagerStats, StreamingManager } from '../manager/streaming-manager.ts'
import { PREFIX } from './attributes.ts'

interface Instruments {
  readonly requests: Observable
  readonly bytes: Observable
  readonly validations: Observable
  readonly stores: Observable
  readonly refusals: Observable
  readonly evictions: Observable
  readonly faults: Observable
  readonly entries: Observable
  readonly disk: Observable
  readonly memory: Observable
}

/** Shows the counts of a manager with these attributes from now on. Returns a function that ends that. */
export function observeCounts(manager: StreamingManager, meter: Meter, attributes: Attributes): () => void {
  const instruments = createInstruments(meter)
  const observables = Object.values(instruments)
  const observe = (result: BatchObservableResult): void => report(result, instruments, manager.stats(), attributes)
  meter.addBatchObservableCallback(observe, observables)
  return function stop() {
    meter.removeBatchObservableCallback(observe, observables)
  }
}

function report(result: BatchObservableResult, to: Instruments, stats: ManagerStats, common: Attributes): void {
  const say = (instrument: Observable, value: number, more: Readonly<Record<string, string>> = {}): void => {
    const own = Object.entries(more).map(([name, text]) => [`${PREFIX}.${name}`, text])
    result.observe(instrument, value, { ...common, ...Object.fromEntries(own) })
  }
  say(to.requests, stats.hits, { result: 'hit' })
  say(to.requests, stats.collapsed, { result: 'collapsed' })
  say(to.requests, stats.bypasses, { result: 'bypass' })
  for (const [reason, count] of Object.entries(stats.missesByReason))
    say(to.requests, count, { result: 'miss', reason })
  say(to.bytes, stats.bytesFromMemory, { source: 'memory' })
  say(to.bytes, stats.bytesServed - stats.bytesFromMemory, { source: 'disk' })
  say(to.bytes, stats.bytesFromNetwork, { source: 'network' })
  say(to.validations, stats.freshened, { result: 'freshened' })
  say(to.validations, stats.replaced, { result: 'replaced' })
  say(to.stores, stats.stores)
  say(to.refusals, stats.refusals)
  say(to.evictions, stats.evictions)
  say(to.faults, stats.faults)
  say(to.entries, stats.entryCount)
  say(to.disk, stats.size)
  say(to.memory, stats.memory)
}

function createInstruments(meter: Meter): Instruments {
  const counter = (name: string, unit: string, description: string): Observable =>
    meter.createObservableCounter(`${PREFIX}.${name}`, { unit, description })
  // What goes up and down and may be added up over caches.
  const level = (name: string, unit: string, description: string): Observable =>
    meter.createObservableUpDownCounter(`${PREFIX}.${name}`, { unit, description })
  return {
    requests: counter('requests', '{request}', 'Requests by what became of them.'),
    bytes: counter('io', 'By', 'Bytes of bodies by where they came from.'),
    validations: counter('validations', '{response}', 'Stored responses validated, by outcome.'),
    stores: counter('stores', '{response}', 'Responses stored.'),
    refusals: counter(
      'refusals',
      '{response}',
      'Responses not stored, by rule or because the transfer did not end well.',
    ),
    evictions: counter('evictions', '{response}', 'Stored responses pushed out by others.'),
    faults: counter('faults', '{fault}', 'Faults of disk or index that no request noticed.'),
    entries: level('entries', '{response}', 'Stored responses.'),
    disk: level('disk.usage', 'By', 'Bytes on disk.'),
    memory: level('memory.usage', 'By', 'Bytes of memory for bodies.'),
  }
}
