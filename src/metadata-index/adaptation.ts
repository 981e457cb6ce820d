/**
 * Two things that no constant suits: how much of the cache is window, and how much frequency counts against recency.
 * Both follow the workload by what the entries held have earned since the last step.
 *
 *   [1] Einziger, Eytan, Friedman, Manes: "Adaptive Software Cache Management" (2018): the window follows the workload
 *   [2] Beckmann, Chen, Cidon: "LHD: Improving Cache Hit Rate by Maximizing Hit Density" (2018): hits per space and time
 *   [3] Caffeine's climber for large caches: the window follows ln(hit density of window / hit density of main)
 *
 * **Window.** Hits for each unit of space, in window and in main; the window takes a step towards the denser [3]. Both
 * are taken in the same stretch of requests, so the workload's mood cancels.
 *
 * **Exponent.** An entry in the list of values around V stays for V ticks of its region's clock. In the last part of
 * that stay its hits are what a longer stay would earn more of. When entries of high value earn more in that part, for
 * each byte and tick, than those of low value, the values are too close together, and the exponent rises; 0.5 comes close
 * to LRU, which bursts want; 2 to LFU.
 */

/** Caffeine [3] samples 4 times the capacity; once was better on traces as short as a day (0.4 points on sized ones). */
const LEAST_INTERVAL = 64
/** Gain and step of [3]. */
const WINDOW_GAIN = 0.03
const MAX_WINDOW_STEP = 0.3
/** Both sides stay large enough to be measured. Caffeine's floor is 2 %. */
const LEAST_WINDOW = 0.02
const MOST_WINDOW = 0.99
/** TinyLFU's 1 % is too strict while main is young, 20 % too lax on loops (unit-sized 45.5 against 45.7). */
const FIRST_WINDOW = 0.1

/** Measured without adaptation: 1.5 was best in bytes on sized traces and level with 1 elsewhere. */
const FIRST_EXPONENT = 1.5
const LEAST_EXPONENT = 0.5
const MOST_EXPONENT = 3
const EXPONENT_GAIN = 0.015
const MAX_LOG_RATIO = 1
/** What was seen is forgotten by a tenth a step. */
const KEPT = 0.9
/** Both groups are taken to have had a twentieth of everything, or nothing seen would count as everything lost. */
const PRIOR = 0.05

/** Stays that the mean level looks back on, and where it begins: near that of the mean entry. */
const LEVEL_SPAN = 1000
const FIRST_MEAN_LEVEL = 14
/** High is what stands more than one level, a factor of two, above the mean one: both groups then see hits. */
const HIGH_ABOVE_MEAN = 1

export class Adaptation {
  #windowShare: number = FIRST_WINDOW
  #exponent: number = FIRST_EXPONENT
  #requests = 0
  #windowHits = 0
  #mainHits = 0
  #lowGain = 0
  #lowStay = 0
  #highGain = 0
  #highStay = 0
  #meanLevel = FIRST_MEAN_LEVEL

  /** The share of both bounds that the window may have. */
  get windowShare(): number {
    return this.#windowShare
  }

  get exponent(): number {
    return this.#exponent
  }

  /** True when enough requests have passed for a step. */
  countRequests(requests: number, entryCount: number): boolean {
    this.#requests += requests
    return this.#requests >= LEAST_INTERVAL && this.#requests >= entryCount
  }

  countHits(isWindow: boolean, hits: number): void {
    if (isWindow) this.#windowHits += hits
    else this.#mainHits += hits
  }

  /** A stay that ended in eviction: `stay` is the cost times the length of its last part; nothing was gained there. */
  countEvicted(level: number, stay: number): void {
    this.#countStay(this.#isHigh(level), stay, 0)
  }

  /** A stay that ended in a hit in its last part. */
  countLateHit(level: number, stay: number, benefit: number): void {
    this.#countStay(this.#isHigh(level), stay, benefit)
  }

  /** One step of both. The spaces are shares of the bound that binds. */
  step(windowSpace: number, mainSpace: number): void {
    this.#stepWindow(windowSpace, mainSpace)
    this.#stepExponent()
  }

  /** Everything that decides the future, as numbers. */
  save(): number[] {
    return [
      this.#windowShare,
      this.#exponent,
      this.#requests,
      this.#windowHits,
      this.#mainHits,
      this.#lowGain,
      this.#lowStay,
      this.#highGain,
      this.#highStay,
      this.#meanLevel,
    ]
  }

  restore(saved: readonly number[]): void {
    const at = (index: number): number => saved[index] ?? 0
    this.#windowShare = at(0)
    this.#exponent = at(1)
    this.#requests = at(2)
    this.#windowHits = at(3)
    this.#mainHits = at(4)
    this.#lowGain = at(5)
    this.#lowStay = at(6)
    this.#highGain = at(7)
    this.#highStay = at(8)
    this.#meanLevel = at(9)
  }

  /** `level` is the power of two of the values in an entry's list. */
  #isHigh(level: number): boolean {
    this.#meanLevel += (level - this.#meanLevel) / LEVEL_SPAN
    return level > this.#meanLevel + HIGH_ABOVE_MEAN
  }

  #countStay(isHigh: boolean, stay: number, gain: number): void {
    if (isHigh) {
      this.#highStay += stay
      this.#highGain += gain
    } else {
      this.#lowStay += stay
      this.#lowGain += gain
    }
  }

  #stepWindow(windowSpace: number, mainSpace: number): void {
    // Half a hit on each side: a side without hits is poor, not infinitely poor. Where neither has any, the smaller one grows
    // until it finds some: with a prior that says nothing then, hits of the trace corda fall from 33.3 to 26.7 %.
    const ratio = (this.#windowHits + 0.5) / windowSpace / ((this.#mainHits + 0.5) / mainSpace)
    const step = clamp(WINDOW_GAIN * Math.log(ratio), -MAX_WINDOW_STEP, MAX_WINDOW_STEP)
    this.#windowShare = clamp(this.#windowShare + step, LEAST_WINDOW, MOST_WINDOW)
    this.#requests = 0
    this.#windowHits = 0
    this.#mainHits = 0
  }

  #stepExponent(): void {
    const gain = PRIOR * (this.#lowGain + this.#highGain)
    const stay = PRIOR * (this.#lowStay + this.#highStay)
    if (gain > 0 && stay > 0) {
      const high = (this.#highGain + gain) / (this.#highStay + stay)
      const low = (this.#lowGain + gain) / (this.#lowStay + stay)
      const step = EXPONENT_GAIN * clamp(Math.log(high / low), -MAX_LOG_RATIO, MAX_LOG_RATIO)
      this.#exponent = clamp(this.#exponent + step, LEAST_EXPONENT, MOST_EXPONENT)
    }
    this.#lowGain *= KEPT
    this.#lowStay *= KEPT
    this.#highGain *= KEPT
    this.#highStay *= KEPT
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
