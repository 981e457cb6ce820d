/** RFC 9110 sections 5.6.7 and 6.6.1: dates, and what a cache does without one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BOTH, control, date, reuse, stage } from './stage.ts'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** A time in the three forms of an HTTP-date. */
function forms(time: number): { imf: string; rfc850: string; asctime: string } {
  const imf = new Date(time).toUTCString()
  const [, day = '', month = '', year = '', clock = ''] = /^..., (..) (...) (....) (\S+)/.exec(imf) ?? []
  return {
    imf,
    rfc850: `${DAYS[new Date(time).getUTCDay()]}, ${day}-${month}-${year.slice(2)} ${clock} GMT`,
    asctime: `${imf.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`,
  }
}

const FORMS = ['imf', 'rfc850', 'asctime'] as const

test('[B.1] without Date the time of arrival is recorded, and the age counts from it', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count } = await stage(t, control('max-age=60'), options)
    const arrival = date(clock.now())
    await get()
    clock.pass(59)
    const hit = await get()
    assert.deepEqual([hit.headers['date'], hit.headers['age']], [arrival, '59'])
    clock.pass(1)
    await get()
    assert.equal(count(), 2)
  }
})

test('[B.1] a Date that came stays, and the age counts from that', async (t) => {
  for (const options of BOTH) {
    const { get, clock, count } = await stage(
      t,
      () => ({ fields: { 'cache-control': 'max-age=60', date: date(clock.now(), -20) } }),
      options,
    )
    const made = date(clock.now(), -20)
    await get()
    clock.pass(39)
    const hit = await get()
    assert.deepEqual([hit.headers['date'], hit.headers['age']], [made, '59'])
    clock.pass(1)
    await get()
    assert.equal(count(), 2)
  }
})

test('[B.2] instead of an invalid Date the time of arrival counts', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const invalid of ['foo', '', '0', 'Thu, 18 Aug 2050 02:01:18', '2050-08-18T02:01:18Z']) {
      const expires = (now: number) => ({ fields: { date: invalid, expires: date(now, 60) } })
      assert.equal(await reused(expires, { pass: 58 }), true, invalid)
      assert.equal(await reused(expires, { pass: 61 }), false, invalid)
      const reply = control('max-age=60', { date: invalid })
      assert.equal(await reused(reply, { pass: 58 }), true, invalid)
      assert.equal(await reused(reply, { pass: 61 }), false, invalid)
    }
  }
})

test('[B.3] all three forms of a date count, in every field that has one', async (t) => {
  for (const options of BOTH) {
    const reused = await reuse(t, options)
    for (const form of FORMS) {
      const expires = (now: number) => ({ fields: { date: date(now), expires: forms(now + 60_000)[form] } })
      assert.equal(await reused(expires, { pass: 58 }), true, `Expires, ${form}`)
      assert.equal(await reused(expires, { pass: 61 }), false, `Expires, ${form}`)
      const made = (now: number) => control('max-age=60', { date: forms(now - 30_000)[form] })
      assert.equal(await reused(made, { pass: 28 }), true, `Date, ${form}`)
      assert.equal(await reused(made, { pass: 31 }), false, `Date, ${form}`)
      // A tenth of the time since then.
      const modified = (now: number) => ({ fields: { 'last-modified': forms(now - 600_000)[form] } })
      assert.equal(await reused(modified, { pass: 58 }), true, `Last-Modified, ${form}`)
      assert.equal(await reused(modified, { pass: 61 }), false, `Last-Modified, ${form}`)
    }
  }
})

test('[B.3] so do they in If-Modified-Since, against Last-Modified in any of them', async (t) => {
  const modified = Date.UTC(2015, 9, 5, 7, 28)
  for (const options of BOTH) {
    for (const stored of FORMS) {
      const { get, count } = await stage(
        t,
        control('max-age=60', { 'last-modified': forms(modified)[stored] }),
        options,
      )
      await get()
      for (const asked of FORMS) {
        const status = async (time: number) => (await get('/', { 'if-modified-since': forms(time)[asked] })).statusCode
        assert.equal(await status(modified), 304, `${stored}, ${asked}`)
        assert.equal(await status(modified - 1000), 200, `${stored}, ${asked}`)
      }
      assert.equal(count(), 1)
    }
  }
})

test('[B.4] a year of two digits is of the past where it would be more than 50 years ahead', async (t) => {
  for (const options of BOTH) {
    for (const now of [Date.UTC(2026, 10, 25, 12), Date.UTC(2049, 0, 1), Date.UTC(2050, 11, 31, 23)]) {
      const reused = await reuse(t, { ...options, clock: () => now })
      const ahead = (years: number, days: number) => {
        const time = new Date(now)
        time.setUTCFullYear(time.getUTCFullYear() + years, time.getUTCMonth(), time.getUTCDate() + days)
        return { fields: { expires: forms(time.getTime()).rfc850 } }
      }
      assert.equal(await reused(ahead(0, 1)), true)
      assert.equal(await reused(ahead(50, -1)), true)
      assert.equal(await reused(ahead(50, 1)), false)
      assert.equal(await reused(ahead(-32, 0)), false, 'such as 94 in 2026')
      assert.equal(await reused(ahead(0, -1)), false)
      assert.equal(await reused({ fields: { expires: forms(now + 86_400_000).imf } }), true)
    }
  }
})

test('[B.4] so it is in Last-Modified and If-Modified-Since', async (t) => {
  const { get, count } = await stage(t, control('max-age=60', { 'last-modified': 'Sunday, 06-Nov-94 08:49:37 GMT' }), {
    clock: () => Date.UTC(2026, 10, 25),
  })
  await get()
  const status = async (since: string) => (await get('/', { 'if-modified-since': since })).statusCode
  assert.equal(await status('Sun, 06 Nov 1994 08:49:37 GMT'), 304)
  assert.equal(await status('Sun, 06 Nov 1994 08:49:36 GMT'), 200)
  assert.equal(await status('Sunday, 06-Nov-94 08:49:37 GMT'), 304)
  assert.equal(count(), 1)
})
