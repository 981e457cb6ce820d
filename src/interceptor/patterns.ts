/**
 * Patterns in options: strings in which `*` stands for any characters, and regular expressions. Strings are compared
 * without backtracking: what they are tried on is for others to choose.
 */
import { InvalidOptionError } from '../errors.ts'

export type Pattern = string | RegExp
export type Matcher = (text: string) => boolean

/**
 * One pattern or a list of them: whether any matches the whole text (a string) or a part of it (a RegExp).
 * @throws {InvalidOptionError} when it is none
 */
export function matcherOf(
  option: string,
  given: unknown,
  what: string,
  normalise: (text: string) => string = (text) => text,
): Matcher {
  const patterns: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (patterns.length === 0) throw new InvalidOptionError(option, what, given)
  const matchers = patterns.map((pattern, i) => {
    if (pattern instanceof RegExp) return expression(pattern)
    if (typeof pattern === 'string' && pattern !== '') return glob(normalise(pattern))
    throw new InvalidOptionError(Array.isArray(given) ? `${option}[${i}]` : option, what, pattern)
  })
  const [only] = matchers
  return matchers.length === 1 && only !== undefined ? only : (text) => matchers.some((matches) => matches(text))
}

/** Without the flags that make an expression remember where it was. */
export function expression({ source, flags }: RegExp): Matcher {
  const stateless = new RegExp(source, flags.replaceAll(/[gy]/g, ''))
  return (text) => stateless.test(text)
}

function glob(pattern: string): Matcher {
  const parts = pattern.split('*')
  const first = parts.shift() ?? ''
  const last = parts.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    const end = text.length - last.length
    if (first.length > end || !text.startsWith(first) || !text.endsWith(last)) return false
    let at = first.length
    for (const part of parts) {
      const found = text.indexOf(part, at)
      if (found < 0 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}
