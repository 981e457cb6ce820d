/** What has to be reached, and whether it is. */
import type { Results } from './results.ts'

export interface Check {
  readonly what: string
  readonly value: number
  readonly limit: number
  readonly is: 'at least' | 'at most' | 'exactly'
  readonly unit?: string
}

export function atLeast(what: string, value: number, limit: number, unit?: string): Check {
  return { what, value, limit, is: 'at least', ...(unit === undefined ? {} : { unit }) }
}

export function atMost(what: string, value: number, limit: number, unit?: string): Check {
  return { what, value, limit, is: 'at most', ...(unit === undefined ? {} : { unit }) }
}

export function exactly(what: string, value: number, limit: number, unit?: string): Check {
  return { what, value, limit, is: 'exactly', ...(unit === undefined ? {} : { unit }) }
}

/** That hits were hits. */
export function noOriginRequests(results: Results, modes: readonly { readonly name: string }[]): Check {
  const requests = modes.map(({ name }) => results.sum(name, 'this', (sample) => sample.originRequests))
  return exactly(
    'origin requests',
    requests.reduce((sum, each) => sum + each, 0),
    0,
    '',
  )
}

export type Verdict = 'ok' | 'falls short' | 'not measured'

export function verdict({ value, limit, is }: Check): Verdict {
  if (Number.isNaN(value) || Number.isNaN(limit)) return 'not measured'
  const isReached = is === 'at least' ? value >= limit : is === 'at most' ? value <= limit : value === limit
  return isReached ? 'ok' : 'falls short'
}

/** Cells of a table: what, the limit, what was measured, the verdict. */
export function checkCells(check: Check): string[] {
  const unit = check.unit === undefined ? ' x' : check.unit === '' ? '' : ` ${check.unit}`
  const shown = (value: number): string => (Number.isNaN(value) ? '-' : `${formatNumber(value)}${unit}`)
  return [check.what, `${check.is} ${shown(check.limit)}`, shown(check.value), verdict(check)]
}

/** Three digits or more, thousands apart. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits })
}
