/** Samples of a row, and how they are compared: round by round, so that a busy moment of the machine counts for both. */
import type { PeerName } from '../peers/peers.ts'
import type { Figures } from './workload.ts'

/** One round of one contender. */
export interface Sample {
  readonly operations: number
  readonly cpuMs: number
  readonly wallMs: number
  /** The longest time between two turns of the event loop. */
  readonly stallMs: number
  readonly busyStallMs: number
  /** Bytes that the process gave to the file system; NaN where the system does not say. */
  readonly writtenBytes: number
  readonly originRequests: number
  readonly originBytes: number
  readonly figures: Figures
}

export type Metric = (sample: Sample) => number

export const perSecond: Metric = ({ operations, wallMs }) => (operations / wallMs) * 1000
export const perCpuSecond: Metric = ({ operations, cpuMs }) => (operations / cpuMs) * 1000
export const cpuMicroseconds: Metric = ({ operations, cpuMs }) => (cpuMs * 1000) / operations
export const stallMs: Metric = (sample) => sample.stallMs
export const busyStallMs: Metric = (sample) => sample.busyStallMs

export function figure(name: string): Metric {
  return ({ figures }) => figures[name] ?? NaN
}

export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? NaN
  const lower = sorted[(sorted.length - 1) >> 1] ?? NaN
  return (upper + lower) / 2
}

export class Results {
  readonly #samples = new Map<string, Sample[]>()
  readonly #finished = new Map<PeerName, Figures>()

  add(mode: string, peer: PeerName, sample: Sample): void {
    const name = `${mode}\n${peer}`
    this.#samples.set(name, [...(this.#samples.get(name) ?? []), sample])
  }

  finish(peer: PeerName, figures: Figures): void {
    this.#finished.set(peer, figures)
  }

  samples(mode: string, peer: PeerName): readonly Sample[] {
    return this.#samples.get(`${mode}\n${peer}`) ?? []
  }

  finished(peer: PeerName): Figures {
    return this.#finished.get(peer) ?? {}
  }

  median(mode: string, peer: PeerName, metric: Metric): number {
    return median(this.samples(mode, peer).map(metric))
  }

  most(mode: string, peer: PeerName, metric: Metric): number {
    const values = this.samples(mode, peer).map(metric)
    return values.length === 0 ? NaN : Math.max(...values)
  }

  sum(mode: string, peer: PeerName, metric: Metric): number {
    const samples = this.samples(mode, peer)
    return samples.length === 0 ? NaN : samples.reduce((sum, sample) => sum + metric(sample), 0)
  }

  /** The median of the rounds' own quotients. */
  ratio(mode: string, metric: Metric, peer: PeerName, reference: PeerName): number {
    const references = this.samples(mode, reference)
    return median(this.samples(mode, peer).map((sample, i) => metric(sample) / quotient(references[i], metric)))
  }
}

function quotient(sample: Sample | undefined, metric: Metric): number {
  return sample === undefined ? NaN : metric(sample)
}
