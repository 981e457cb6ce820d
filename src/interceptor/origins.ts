/** Lists of origins in options: strings, compared by scheme, host and port, and regular expressions. */
import { InvalidOptionError } from '../errors.ts'
import { expression, type Matcher } from './patterns.ts'

/** @throws {InvalidOptionError} when one is no origin; it names which */
export function originFilter(nameOf: (i: number) => string, origins: readonly (string | RegExp)[]): Matcher {
  const exact = new Set<string>()
  const patterns: Matcher[] = []
  for (const [i, origin] of origins.entries()) {
    if (origin instanceof RegExp) patterns.push(expression(origin))
    else exact.add(originOf(origin, nameOf(i)))
  }
  return (origin) => exact.has(origin) || patterns.some((matches) => matches(origin))
}

function originOf(value: unknown, option: string): string {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new InvalidOptionError(option, 'an http or https origin such as https://example.com, or a RegExp', value)
  }
  return url.origin
}
