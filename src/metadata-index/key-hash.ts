/**
 * A 32-bit hash of a key, for the frequency sketch alone: the index itself finds keys through a `Map`, whose hash V8
 * seeds and keeps inside the string.
 *
 * Two lanes take alternate characters, so that one multiplication does not wait for the other. The seed enters before
 * the first character. A character changes low bits only, never the top bit alone: a difference in nothing but the top
 * bit passes through a multiplication unchanged, and two of them would cancel whatever the seed. Hash values stay
 * inside the process, so a cheap hash with a secret seed is enough: what a collision costs is a wrong estimate.
 */

const LANE_A = 0x9e37_79b1 | 0
const LANE_B = 0x85eb_ca6b | 0
const FINAL_A = 0x7feb_352d | 0
const FINAL_B = 0x846c_a68b | 0

export function hashKey(key: string, seed: number): number {
  let a = seed | 0
  let b = Math.imul(seed ^ LANE_A, LANE_B)
  const length = key.length
  const even = length & ~1
  for (let i = 0; i < even; i += 2) {
    a = Math.imul(a ^ key.charCodeAt(i), LANE_A)
    b = Math.imul(b ^ key.charCodeAt(i + 1), LANE_B)
    a ^= a >>> 15
    b ^= b >>> 13
  }
  if (even < length) a = Math.imul(a ^ key.charCodeAt(even), LANE_A)
  return mix(a ^ Math.imul(b ^ length, LANE_A))
}

/** Spreads every bit over all others (a bijection of 32-bit numbers). */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), FINAL_A)
  mixed = Math.imul(mixed ^ (mixed >>> 15), FINAL_B)
  return mixed ^ (mixed >>> 16)
}
