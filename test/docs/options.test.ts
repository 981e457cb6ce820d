/**
 * The tables of options in README.md against the sources: each has every option of its interfaces and no other, its
 * default is the one that is resolved where none is given, and the unit is the one that the option's own comment names.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkOptions } from '../../src/interceptor/cache-options.ts'
import { INSPECT_DEFAULTS } from '../../src/interceptor/inspect.ts'
import { INTERCEPTOR_DEFAULTS } from '../../src/interceptor/options.ts'
import { RATE_LIMIT_DEFAULTS } from '../../src/interceptor/rate-limit.ts'
import { DEFAULT_CONCURRENCY } from '../../src/interceptor/warm.ts'
import { resolveManagerOptions } from '../../src/manager/options.ts'
import { PURGE_DEFAULTS } from '../../src/manager/purge.ts'
import { PUT_DEFAULTS } from '../../src/manager/put.ts'
import { membersOf, type Member } from './interfaces.ts'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

interface Table {
  readonly heading: string
  /** Which table under it, from 0. */
  readonly nth?: number
  readonly interface: string
  /** What is resolved of no options at all. */
  readonly defaults: Readonly<Partial<Record<string, unknown>>>
}

const TABLES: readonly Table[] = [
  { heading: 'Of the manager', interface: 'ManagerOptions', defaults: { ...resolveManagerOptions() } },
  { heading: 'Of the interceptor', interface: 'CacheInterceptorOptions', defaults: INTERCEPTOR_DEFAULTS },
  { heading: 'Of a rule', interface: 'Rule', defaults: {} },
  { heading: 'Of single requests', interface: 'RequestCacheOptions', defaults: { ...checkOptions({}) } },
  { heading: 'Of a rate limit', interface: 'RateLimit', defaults: RATE_LIMIT_DEFAULTS },
  { heading: 'Of `warm` and `inspect`', interface: 'WarmOptions', defaults: { concurrency: DEFAULT_CONCURRENCY } },
  { heading: 'Of `warm` and `inspect`', nth: 1, interface: 'InspectOptions', defaults: INSPECT_DEFAULTS },
  { heading: 'Of `put` and `purge`', interface: 'PutResponse', defaults: PUT_DEFAULTS },
  { heading: 'Of `put` and `purge`', nth: 1, interface: 'PurgeFilter', defaults: {} },
  { heading: 'Of `put` and `purge`', nth: 2, interface: 'PurgeOptions', defaults: PURGE_DEFAULTS },
  { heading: 'Of `instrument`', interface: 'InstrumentOptions', defaults: {} },
]

interface Row {
  readonly option: string
  readonly unit: string
  readonly stated: string
}

function rowsUnder({ heading, nth = 0 }: Table): Row[] {
  const [, section] = README.split(`\n### ${heading}\n`)
  assert.ok(section, `README.md has no heading ${heading}`)
  const [table = ''] = [...section.matchAll(/(?:^\|.*\n)+/gm)][nth] ?? []
  return table
    .split('\n')
    .slice(2, -1)
    .map((line) => {
      const [, name = '', unit = '', stated = ''] = line.split('|').map((cell) => cell.trim())
      return { option: name.replaceAll('`', ''), unit, stated }
    })
}

const MULTIPLES: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** `1 GiB` is 1,073,741,824; `'shared'` in backquotes is a literal; other words say that nothing is laid down. */
function valueOf(stated: string): unknown {
  const [, digits, multiple = ''] = /^([\d,]+) ?([KMG]iB)?$/.exec(stated) ?? []
  if (digits !== undefined) return Number(digits.replaceAll(',', '')) * (MULTIPLES[multiple] ?? NaN)
  const [, literal] = /^`(.+)`$/.exec(stated) ?? []
  if (literal === undefined) return undefined
  return literal === 'Date.now' ? Date.now : JSON.parse(literal.replaceAll("'", '"'))
}

function isNothing(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}

/** `Default 1 GiB.` in a comment. */
function defaultInComment({ comment }: Member): unknown {
  const [, stated] = /Default `?([\d,]+(?: [KMG]iB)?|true|false)\b/.exec(comment) ?? []
  if (stated === undefined) return undefined
  return valueOf(/^[tf]/.test(stated) ? `\`${stated}\`` : stated)
}

for (const table of TABLES) {
  const { heading, interface: name, defaults } = table
  test(`README, ${heading}: every option of ${name}, and no other`, () => {
    const options = rowsUnder(table).map(({ option }) => option)
    assert.deepEqual(
      options.toSorted(),
      membersOf(name)
        .map((member) => member.name)
        .toSorted(),
    )
  })

  test(`README, ${heading}: defaults and units`, () => {
    const members = new Map(membersOf(name).map((member) => [member.name, member]))
    for (const { option, unit, stated } of rowsUnder(table)) {
      const member = members.get(option)
      assert.ok(member, option)
      const value = valueOf(stated)
      assert.notEqual(stated, '', `${option} has no default`)
      if (value === undefined) assert.ok(isNothing(defaults[option]), `${option}: ${stated} is not its default`)
      else assert.deepEqual(value, defaults[option], option)
      if (typeof value === 'number' || typeof value === 'boolean')
        assert.deepEqual(defaultInComment(member), value, `${option}: its comment says another default`)
      assert.equal(unit !== '', /^(?:\(\) => )?number$/.test(member.type), `${option}: unit`)
      if (/^(?:bytes|seconds|milliseconds)$/.test(unit))
        assert.match(member.comment, new RegExp(String.raw`\b${unit}\b`, 'i'), `${option} is not in ${unit}`)
    }
  })
}

test('every option of the manager and the interceptor that is resolved is an option of its interface', () => {
  assert.deepEqual(
    Object.keys(INTERCEPTOR_DEFAULTS).toSorted(),
    membersOf('CacheInterceptorOptions')
      .map(({ name }) => name)
      .toSorted(),
  )
  assert.deepEqual(
    Object.keys(resolveManagerOptions()).toSorted(),
    membersOf('ManagerOptions')
      .map(({ name }) => name)
      .toSorted(),
  )
})
