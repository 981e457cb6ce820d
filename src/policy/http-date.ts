/**
 * HTTP-date (RFC 9110 section 5.6.7), strictly: the three forms that a recipient "MUST accept", in any letter case
 * ("caches SHOULD … match case-insensitively", RFC 9111 section 4.2), and GMT as the only zone. Anything else is no date.
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)'

/** Sun, 06 Nov 1994 08:49:37 GMT */
const IMF_FIXDATE = new RegExp(`^${DAY}, (\\d\\d) ([a-z]{3}) (\\d{4}) ${TIME} gmt$`, 'i')
/** Sunday, 06-Nov-94 08:49:37 GMT */
const RFC850 = new RegExp(`^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\\d\\d)-([a-z]{3})-(\\d\\d) ${TIME} gmt$`, 'i')
/** Sun Nov  6 08:49:37 1994 */
const ASCTIME = new RegExp(`^${DAY} ([a-z]{3}) ([ \\d]\\d) ${TIME} (\\d{4})$`, 'i')

/** What comes within a second has one Date, whoever sends it. */
let last: { readonly value: string; readonly time: number | undefined } = { value: '', time: undefined }

/**
 * Milliseconds since the epoch, or undefined when the value is no HTTP-date. `now` decides the century of a year of two
 * digits: "a timestamp that appears to be more than 50 years in the future" is of the past.
 */
export function parseHttpDate(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (value === last.value) return last.time
  const imf = IMF_FIXDATE.exec(value)
  if (imf !== null) {
    last = { value, time: toTime(imf[3], imf[2], imf[1], imf.slice(4)) }
    return last.time
  }
  const asctime = ASCTIME.exec(value)
  if (asctime !== null) return toTime(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6))
  const rfc850 = RFC850.exec(value)
  if (rfc850 === null) return undefined
  const limit = new Date(now)
  limit.setUTCFullYear(limit.getUTCFullYear() + 50)
  const year = Math.floor(limit.getUTCFullYear() / 100) * 100 + Number(rfc850[3])
  const time = toTime(String(year), rfc850[2], rfc850[1], rfc850.slice(4))
  if (time !== undefined && time <= limit.getTime()) return time
  return toTime(String(year - 100), rfc850[2], rfc850[1], rfc850.slice(4))
}

function toTime(year = '', monthName = '', day = '', time: (string | undefined)[] = []): number | undefined {
  const month = MONTHS.indexOf(monthName.toLowerCase())
  const [hour, minute, second] = time.map(Number) as [number, number, number]
  // 60 is a leap second, the first of the next minute to any clock here.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined
  const date = new Date(Date.UTC(Number(year), month, Number(day), hour, minute, second))
  // The 30th of February is no date.
  return second < 60 && date.getUTCDate() !== Number(day) ? undefined : date.getTime()
}
