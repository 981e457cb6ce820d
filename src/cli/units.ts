/** Numbers as people read and write them. */
import { InvalidArgumentError } from 'commander'

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes in three digits, such as `4.21 MiB`. */
export function humanSize(bytes: number): string {
  let value = bytes
  let unit = 0
  // 1023.6 would be rounded to four digits.
  while (Math.abs(value) >= 999.5 && unit < SIZES.length - 1) {
    value /= 1024
    unit++
  }
  if (unit === 0) return `${Math.round(value)} B`
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${SIZES[unit]}`
}

const DURATIONS = [
  { unit: 's', seconds: 1 },
  { unit: 'min', seconds: 60 },
  { unit: 'h', seconds: 3600 },
  { unit: 'd', seconds: 86_400 },
  { unit: 'y', seconds: 31_557_600 },
] as const

/** Seconds in the unit of which there are two or more, such as `90 s`, `36 h`. */
export function humanDuration(seconds: number): string {
  const absolute = Math.abs(seconds)
  const { unit, seconds: each } = DURATIONS.findLast((duration) => absolute >= 2 * duration.seconds) ?? DURATIONS[0]
  return `${Math.floor(absolute / each)} ${unit}`
}

export function humanCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** `1 entry`, `2 entries`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${humanCount(count)} ${count === 1 ? one : many}`
}

/** Bytes from `500`, `64K`, `2 GiB`, `1.5m`: units are powers of 1024. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(number) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' '))
  if (number === '' || !Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('Expected a size such as 500M or 2GiB.')
  return bytes
}

/** For commander: an integer from `min` to `max`. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
    throw new InvalidArgumentError(`Expected an integer ${range}.`)
  }
}
