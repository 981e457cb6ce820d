/** RFC 9111 section 4.2: freshness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, date, lifetimes, reuse, stage } from './stage.ts'

/** The same time in the obsolete forms, of which one names no zone (RFC 9110 section 5.6.7). */
function rfc850(time: string): string {
  const [, day = '', month = '', year = '', clock = ''] = time.split(' ')
  const weekday = new Date(time).toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
  return `${weekday}, ${day}-${month}-${year.slice(2)} ${clock} GMT`
}

function asctime(time: string): string {
  const [weekday = '', day = '', month = '', year = '', clock = ''] = time.split(' ')
  return `${weekday.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`
}

test('[A43] fresh is what has a lifetime that is more than its age', async (t) => {
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    for (const seconds of [0, 1, 2, 10]) {
      await lasts(control(`max-age=${seconds}`), seconds)
      await lasts((now) => ({ fields: { expires: date(now, seconds) } }), seconds)
      await lasts((now) => ({ fields: { 'last-modified': date(now, -10 * seconds) } }), seconds)
      await lasts(control(`max-age=${seconds + 5}`, { age: '5' }), seconds)
    }
  }
})

test('[A44] dates are read in any letter case', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    const lasts = await lifetimes(t, options)
    for (const cased of [(d: string) => d.toUpperCase(), (d: string) => d.toLowerCase()]) {
      assert.equal(await reused({ fields: { expires: cased('Thu, 18 Aug 2050 02:01:18 GMT') } }), true)
      for (const form of [(d: string) => d, rfc850, asctime]) {
        const told = (now: number, seconds: number) => cased(form(date(now, seconds)))
        await lasts((now) => ({ fields: { expires: told(now, 20) } }), 20, told(0, 0))
        await lasts((now) => control('max-age=30', { date: told(now, -20) }), 10, told(0, 0))
        await lasts((now) => ({ fields: { 'last-modified': told(now, -200) } }), 20, told(0, 0))
      }
    }
  }
})

test('[A45] whatever part of a second has gone by, nothing is fresh when its Expires has come', async (t) => {
  for (const options of BOTH) {
    for (const isDated of [false, true]) {
      for (const part of [0, 1, 499, 500, 999]) {
        const { get, clock, count } = await stage(
          t,
          () => ({
            fields: { expires: date(clock.now(), 10), ...(isDated ? { date: date(clock.now()) } : {}) },
          }),
          options,
        )
        // Moved to a time with this part of a second.
        clock.pass(1 + (part - (clock.now() % 1000)) / 1000)
        assert.equal(Math.round(clock.now()) % 1000, part)
        await get()
        clock.pass(9.999 - part / 1000)
        await get()
        assert.equal(count(), 1, `${part} ms`)
        clock.pass(0.002)
        await get()
        assert.equal(count(), 2, `${part} ms`)
      }
    }
  }
})

test('[A46] the local time zone has no influence', async (t) => {
  const before = process.env['TZ']
  t.after(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  const offsets = new Set<number>()
  for (const zone of ['Pacific/Kiritimati', 'America/St_Johns', 'UTC']) {
    process.env['TZ'] = zone
    offsets.add(new Date(0).getTimezoneOffset())
    for (const options of BOTH) {
      const lasts = await lifetimes(t, options)
      for (const form of [(d: string) => d, rfc850, asctime]) {
        await lasts((now) => ({ fields: { expires: form(date(now, 20)) } }), 20, `${zone} ${form(date(0))}`)
        await lasts((now) => control('max-age=30', { date: form(date(now, -20)) }), 10, zone)
        await lasts((now) => ({ fields: { 'last-modified': form(date(now, -200)) } }), 20, zone)
      }
    }
  }
  assert.equal(offsets.size, 3, 'the zone has indeed been another')
})

test('[A47] a date of another zone than GMT is none', async (t) => {
  for (const options of BOTH) {
    const lasts = await lifetimes(t, options)
    for (const zone of ['GMT', 'UTC', 'UT', 'Z', 'AEST', 'EST', '+0000', '-0000', '+0100', 'GMT+1', '']) {
      const zoned = (now: number, seconds: number) => date(now, seconds).replace('GMT', zone).trimEnd()
      const isGmt = zone === 'GMT'
      await lasts((now) => ({ fields: { expires: zoned(now, 20) } }), isGmt ? 20 : 0, zone)
      // Where a Date is none the arrival counts, where a Last-Modified is none there is nothing to guess from.
      await lasts((now) => control('max-age=30', { date: zoned(now, -20) }), isGmt ? 10 : 30, zone)
      await lasts((now) => ({ fields: { 'last-modified': zoned(now, -200) } }), isGmt ? 20 : 0, zone)
    }
  }
})
