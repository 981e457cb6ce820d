/** What a row of the table consists of. A file of `workloads/` describes one; the harness runs it. */
import type { PeerName } from '../peers/peers.ts'
import type { Check } from './checks.ts'
import type { Results } from './results.ts'

/** Numbers with their names, such as `first byte, ms`. */
export type Figures = Readonly<Record<string, number>>

/** One way to ask, such as `request(), 64 at a time`. Each has its own rounds and its own lines in the table. */
export interface Mode {
  readonly name: string
  /** Rounds that count; the workload's number by default. */
  readonly rounds?: number
  /** Who takes part; all of the workload's contenders by default. */
  readonly contenders?: readonly PeerName[]
  /** No round that does not count goes before the others. */
  readonly isCold?: boolean
  /** Collections are forced in it, or another process does the work: its times and stalls say nothing. */
  readonly figuresOnly?: boolean
}

export interface Context {
  readonly peer: PeerName
  readonly origin: string
  /** A folder of this contender's own in this row. */
  readonly directory: string
  /** A folder that lives as long as the run, for what several rows are asked about. */
  readonly sharedDirectory: string
  /** Short rounds over fewer keys, to see that everything works. */
  readonly isQuick: boolean
}

/** What a contender's process has done in one round. */
export interface Counted {
  readonly operations: number
  readonly figures?: Figures
}

/** A row's work in one contender's process. */
export interface Task {
  /** Before each round, neither timed nor counted. */
  prepare?(): Promise<void>
  /** Timed. */
  round(mode: string): Promise<Counted>
  /** After each round, not timed. */
  inspect?(mode: string): Promise<Figures>
  /** After the last round: what is there to be counted once everything has been written. */
  finish?(): Promise<Figures>
  close(): Promise<void>
}

export interface Workload {
  readonly name: string
  readonly title: string
  readonly modes: readonly Mode[]
  readonly contenders: readonly PeerName[]
  readonly rounds: number
  /** Rounds before those that count, 1 where it is not said: V8 compiles what runs for seconds. */
  readonly warmUps?: number
  open(context: Context): Promise<Task>
  /** What can be said of a contender only when all its rounds are known. */
  summary?(results: Results, peer: PeerName): Figures
  checks(results: Results): Check[]
}
