/** RFC 9111 section 4.2.1: calculating the freshness lifetime. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, date, lifetimes, PRIVATE, reuse, type Fields } from './stage.ts'

test('[A48] s-maxage in a shared cache, then max-age, then Expires, then a guess', async (t) => {
  /** What a response may say, from what counts most to what counts least, each with a lifetime of its own. */
  const sayings = [
    { directive: 's-maxage=20', lifetime: 20 },
    { directive: 'max-age=30', lifetime: 30 },
    { expires: 40, lifetime: 40 },
    { lastModified: -500, lifetime: 50 },
  ]
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    for (let set = 1; set < 2 ** sayings.length; set++) {
      const said = sayings.filter((_, i) => (set & (1 << i)) !== 0)
      const heard = said.find(({ directive }) => !(options === PRIVATE && directive?.startsWith('s-maxage')))
      for (const directives of [said, said.toReversed()]) {
        const fields = (now: number): Fields => {
          const value = directives.flatMap(({ directive }) => directive ?? []).join(', ')
          const expires = said.find(({ expires }) => expires !== undefined)?.expires
          const modified = said.find(({ lastModified }) => lastModified !== undefined)?.lastModified
          return {
            ...(value === '' ? {} : { 'cache-control': value }),
            ...(expires === undefined ? {} : { expires: date(now, expires) }),
            ...(modified === undefined ? {} : { 'last-modified': date(now, modified) }),
          }
        }
        await lasts((now) => ({ fields: fields(now) }), heard?.lifetime ?? 0, JSON.stringify(said))
      }
    }
  }
})

test('[A48] Expires counts from Date, or from the arrival where there is none that is valid', async (t) => {
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    // An origin whose clock is right, behind, ahead: what has gone by since its Date counts as age.
    await lasts((now) => ({ fields: { date: date(now), expires: date(now, 30) } }), 30)
    await lasts((now) => ({ fields: { date: date(now, -100), expires: date(now, 30) } }), 30)
    await lasts((now) => ({ fields: { date: date(now, -100), expires: date(now, -70) } }), 0)
    await lasts((now) => ({ fields: { date: date(now, 100), expires: date(now, 130) } }), 30)
    await lasts((now) => ({ fields: { date: date(now, 100), expires: date(now, 30) } }), 0)
    await lasts((now) => ({ fields: { date: date(now, -100), age: '200', expires: date(now, 130) } }), 30)
    await lasts((now) => ({ fields: { expires: date(now, 30) } }), 30)
    await lasts((now) => ({ fields: { expires: date(now, 30), date: 'yesterday' } }), 30)
    await lasts((now) => ({ fields: { expires: date(now, -30) } }), 0)
    // A Date has no say in what max-age is, only in what age is.
    await lasts((now) => control('max-age=30', { date: date(now, 100) }), 30)
    await lasts((now) => control('max-age=30', { date: date(now, -20) }), 10)
  }
})

test('[A49] of directives that are there twice or contradict each other the stricter counts', async (t) => {
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    for (const value of [
      'max-age=3600, max-age=5',
      'max-age=5, max-age=3600',
      'max-age=3600, foo, Max-Age=5',
      ['max-age=3600', 'max-age=5'],
      ['max-age=5', 'max-age=3600'],
    ]) {
      await lasts(control(value), 5, String(value))
    }
    await lasts(control('s-maxage=3600, s-maxage=5, max-age=5'), 5)
    for (const value of ['max-age=3600, no-cache', 'no-store, max-age=3600', 'public, max-age=3600, no-store']) {
      await lasts(control(value, { etag: '"e"' }), 0, value)
    }
    const reused = await reuse(t, options)
    assert.equal(await reused(control('public, private, max-age=3600')), options === PRIVATE)
    for (const value of ['max-age=10, must-revalidate, stale-while-revalidate=60', 'max-age=10, must-revalidate']) {
      const how = { first: {}, second: { 'cache-control': 'max-stale' }, pass: 10 }
      assert.equal(await reused(control(value), how), false, value)
    }
  }
})

test('[A49] a lifetime that is invalid makes stale, and leaves nothing to guess', async (t) => {
  const far = 'Thu, 18 Aug 2050 02:01:18 GMT'
  const others: Fields[] = [{}, { expires: far }, { 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT' }]
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    for (const value of ['abc', '-1', '1.5', '60.0', '1e9', '+60', '60s', 'a60', '60 60', '0x3c', '', '""', '"', ' ']) {
      for (const fields of others) await lasts(control(`max-age=${value}`, fields), 0, value)
      await lasts(control(`max-age=${value}, max-age=3600`), 0, value)
    }
    for (const fields of others) await lasts(control('max-age', fields), 0)
    for (const lines of [
      [far, far],
      [far, '0'],
      ['0', far],
    ]) {
      await lasts({ fields: { expires: lines } }, 0, String(lines))
    }
    // A recipient takes both forms of an argument (section 5.2).
    await lasts(control('max-age="60"'), 60)
    await lasts(control('max-age=060'), 60)
  }
})
