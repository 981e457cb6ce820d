/** What the bench and a contender's process say to each other, one answer for each question. */
import type { Cost } from './meter.ts'
import type { Context, Counted, Figures } from './workload.ts'

/** The argument of a contender's process. */
export interface Assignment {
  readonly workload: string
  readonly context: Context
}

export type Question =
  | { readonly ask: 'prepare' }
  | { readonly ask: 'round'; readonly mode: string }
  | { readonly ask: 'inspect'; readonly mode: string }
  | { readonly ask: 'profile'; readonly mode: string; readonly rounds: number }
  | { readonly ask: 'finish' }
  | { readonly ask: 'close' }

export type Answer =
  | { readonly is: 'open' | 'closed' }
  | ({ readonly is: 'round' } & Counted & Cost)
  | { readonly is: 'figures'; readonly figures: Figures }
  | { readonly is: 'profile'; readonly lines: readonly string[] }
  | { readonly is: 'failed'; readonly error: string }
