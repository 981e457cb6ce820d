/** The tour's lines, in columns that stay where they are. */
import type { Visit } from './visit.ts'

const COLUMNS = [25, 11, 9, 10, 12, 11] as const

export function printHead(): void {
  print(['', 'answer', 'body', 'network', 'first byte', 'last byte', 'why'])
}

export function printTitle(title: string): void {
  console.log(`\n${title}`)
}

/** `fromOrigin` is what came by the network, in bytes; undefined where it is not known. */
export function printVisit(name: string, visit: Visit, fromOrigin?: number): void {
  const { outcome, why, size, firstByte, lastByte } = visit
  const sent = fromOrigin === undefined ? '' : bytes(fromOrigin)
  print([`  ${name}`, outcome, bytes(size), sent, milliseconds(firstByte), milliseconds(lastByte), why])
}

export function printEvent(name: string, what: string, size: number, why: string): void {
  print([`  ${name}`, what, bytes(size), '', '', '', why])
}

function print(cells: readonly string[]): void {
  const line = cells.map((cell, i) => {
    const width = COLUMNS[i]
    if (width === undefined) return `  ${cell}`
    return i < 2 ? cell.padEnd(width) : cell.padStart(width)
  })
  console.log(line.join('').trimEnd())
}

/** In the decimal units that file managers show. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} KB` : `${(count / 1e6).toFixed(1)} MB`
}

function milliseconds(time: number): string {
  return time < 10 ? `${time.toFixed(1)} ms` : `${time.toFixed(0)} ms`
}
