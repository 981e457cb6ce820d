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
 * **Exponent.** An entry whose list has values around V stays for V ticks of its region's clock. In the last part of
 * that stay its hits are what a longer stay would earn more of. When entries asked for often earn more in that part, for
 * each byte and tick, than those asked for seldom, frequency is priced too low, and the exponent rises; 0.5 comes close
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
const MOST_EXPONENT = 2
const EXPONENT_GAIN = 0.02
const MAX_LOG_RATIO = 1
/** What was seen is forgotten by a tenth a step. */
const KEPT = 0.9
/** Both groups are taken to have had a twentieth of everything, or nothing seen would count as everything lost. */
const PRIOR = 0.05

/** Asked for at least so often: about half of 15, so that both groups see hits. */
export const FREQUENT: number = 8

export class Adaptation {
  #windowShare: number = FIRST_WINDOW
  #exponent: number = FIRST_EXPONENT
  #requests = 0
  #windowHits = 0
  #mainHits = 0
  #seldomGain = 0
  #seldomStay = 0
  #frequentGain = 0
  #frequentStay = 0

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

  countHit(isWindow: boolean): void {
    if (isWindow) this.#windowHits++
    else this.#mainHits++
  }

  /** A stay that ended in eviction: `stay` is the cost times the length of its last part; nothing was gained there. */
  countEvicted(isFrequent: boolean, stay: number): void {
    if (isFrequent) this.#frequentStay += stay
    else this.#seldomStay += stay
  }

  /** A stay that ended in a hit in its last part. */
  countLateHit(isFrequent: boolean, stay: number, benefit: number): void {
    this.countEvicted(isFrequent, stay)
    if (isFrequent) this.#frequentGain += benefit
    else this.#seldomGain += benefit
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
      this.#seldomGain,
      this.#seldomStay,
      this.#frequentGain,
      this.#frequentStay,
    ]
  }

  restore(saved: readonly number[]): void {
    const at = (index: number): number => saved[index] ?? 0
    this.#windowShare = at(0)
    this.#exponent = at(1)
    this.#requests = at(2)
    this.#windowHits = at(3)
    this.#mainHits = at(4)
    this.#seldomGain = at(5)
    this.#seldomStay = at(6)
    this.#frequentGain = at(7)
    this.#frequentStay = at(8)
  }

  #stepWindow(windowSpace: number, mainSpace: number): void {
    // Half a hit on each side: a side without hits is poor, not infinitely poor.
    const ratio = (this.#windowHits + 0.5) / windowSpace / ((this.#mainHits + 0.5) / mainSpace)
    const step = clamp(WINDOW_GAIN * Math.log(ratio), -MAX_WINDOW_STEP, MAX_WINDOW_STEP)
    this.#windowShare = clamp(this.#windowShare + step, LEAST_WINDOW, MOST_WINDOW)
    this.#requests = 0
    this.#windowHits = 0
    this.#mainHits = 0
  }

  #stepExponent(): void {
    const gain = PRIOR * (this.#seldomGain + this.#frequentGain)
    const stay = PRIOR * (this.#seldomStay + this.#frequentStay)
    if (gain > 0 && stay > 0) {
      const frequent = (this.#frequentGain + gain) / (this.#frequentStay + stay)
      const seldom = (this.#seldomGain + gain) / (this.#seldomStay + stay)
      const step = EXPONENT_GAIN * clamp(Math.log(frequent / seldom), -MAX_LOG_RATIO, MAX_LOG_RATIO)
      this.#exponent = clamp(this.#exponent + step, LEAST_EXPONENT, MOST_EXPONENT)
    }
    this.#seldomGain *= KEPT
    this.#seldomStay *= KEPT
    this.#frequentGain *= KEPT
    this.#frequentStay *= KEPT
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
