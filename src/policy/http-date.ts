/**
 * HTTP-date (RFC 9110 section 5.6.7), strictly: the three forms that a recipient "MUST accept", in any letter case
 * ("caches SHOULD … match case-insensitively", RFC 9111 section 4.2), and GMT as the only zone. Anything else is no date.
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)'

/** Sun, 06 Nov 1994 08:49:37 GMT */
const IMF_FIXDATE = new RegExp(`^${DAY}, \\d\\d [a-z]{3} \\d{4} \\d\\d:\\d\\d:\\d\\d gmt$`, 'i')
/** Sunday, 06-Nov-94 08:49:37 GMT */
const RFC850 = new RegExp(`^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\\d\\d)-([a-z]{3})-(\\d\\d) ${TIME} gmt$`, 'i')
/** Sun Nov  6 08:49:37 1994 */
const ASCTIME = new RegExp(`^${DAY} ([a-z]{3}) ([ \\d]\\d) ${TIME} (\\d{4})$`, 'i')

/**
 * Milliseconds since the epoch, or undefined when the value is no HTTP-date. `now` decides the century of a year of two
 * digits: "a timestamp that appears to be more than 50 years in the future" is of the past.
 */
export function parseHttpDate(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  // Nearly all: each part is in its place, and taken from there sooner than it would be captured.
  if (IMF_FIXDATE.test(value)) {
    const [hour, minute, second] = [digits(value, 17, 2), digits(value, 20, 2), digits(value, 23, 2)]
    return toTime(digits(value, 12, 4), value.slice(8, 11), digits(value, 5, 2), hour, minute, second)
  }
  const asctime = ASCTIME.exec(value)
  if (asctime !== null) return toTime(Number(asctime[6]), asctime[1], Number(asctime[2]), ...clockOf(asctime, 3))
  const rfc850 = RFC850.exec(value)
  if (rfc850 === null) return undefined
  const limit = new Date(now)
  limit.setUTCFullYear(limit.getUTCFullYear() + 50)
  const year = Math.floor(limit.getUTCFullYear() / 100) * 100 + Number(rfc850[3])
  const [day, clock] = [Number(rfc850[1]), clockOf(rfc850, 4)]
  const time = toTime(year, rfc850[2], day, ...clock)
  if (time !== undefined && time <= limit.getTime()) return time
  return toTime(year - 100, rfc850[2], day, ...clock)
}

/** Hour, minute and second, which have matched from there on. */
function clockOf(match: RegExpExecArray, at: number): [number, number, number] {
  return [Number(match[at]), Number(match[at + 1]), Number(match[at + 2])]
}

function toTime(
  year: number,
  monthName = '',
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  const month = MONTHS.indexOf(monthName.toLowerCase())
  // 60 is a leap second, the first of the next minute to any clock here.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined
  const time = Date.UTC(year, month, day, hour, minute, second)
  // The 30th of February is no date.
  const isOfMonth = day > 0 && (day <= 28 || second === 60 || new Date(time).getUTCDate() === day)
  return isOfMonth ? time : undefined
}

function digits(value: string, at: number, count: number): number {
  let number = 0
  for (let i = at; i < at + count; i++) number = number * 10 + value.charCodeAt(i) - ZERO
  return number
}

const ZERO = 48
