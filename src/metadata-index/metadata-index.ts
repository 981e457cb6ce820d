/**
 * W-TinyLFU: which entries to keep, by number and by bytes.
 *
 *   Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on Storage (2017)
 *   Einziger, Eytan, Friedman, Manes: "Lightweight Robust Size Aware Cache Management" (2022), admission by size
 *
 *        set ──▶ ┌ window 1 % ┐  candidate   ┌──────── main 99 % ─────────┐
 *                │    LRU     │ ───────────▶ │ probation  ⇄  protected 80 %│
 *                └────────────┘   admitted   └─────┬───────────────────────┘
 *                                 if asked for     ▼ victims, least recent first
 *                                 more often
 *
 * New entries enter the window. What falls out of it is a candidate for main: it enters when it was asked for more
 * often than the victims together that must make room for it, by the frequency sketch; otherwise the candidate goes.
 * A hit in probation promotes to protected; what protected cannot hold is demoted to probation.
 *
 * No I/O, clock, timer or callback: `set` and `resize` return what they evicted, and the caller acts.
 */
import { FrequencySketch } from './frequency-sketch.ts'

export type EvictionReason =
  | 'size' // the bytes were needed
  | 'count' // the place was needed
  | 'rejected' // heavier than all that may be held, or not asked for often enough to push others out
  | 'replaced' // another value came for the same key

export interface Evicted<V> {
  readonly key: string
  readonly value: V
  readonly weight: number
  readonly reason: EvictionReason
}

export interface MetadataIndexOptions {
  readonly maxEntries: number
  /** Bound for the sum of weights, in bytes. */
  readonly maxWeight: number
  /** Chance, for the sketch's seed: a number from 0 to 1. */
  readonly random?: () => number
}

type Segment = 'window' | 'probation' | 'protected'

interface Node<V> {
  readonly key: string
  value: V
  weight: number
  segment: Segment
}

const WINDOW_SHARE = 0.01
const PROTECTED_SHARE = 0.8

export class MetadataIndex<V> {
  readonly #nodes = new Map<string, Node<V>>()
  /** Each segment's nodes by key, least recently used first: a Map keeps the order of insertion. */
  readonly #segments: { readonly [S in Segment]: Map<string, Node<V>> } = {
    window: new Map(),
    probation: new Map(),
    protected: new Map(),
  }
  readonly #weights: { [S in Segment]: number } = { window: 0, probation: 0, protected: 0 }
  readonly #sketch: FrequencySketch
  #maxEntries: number
  #maxWeight: number

  constructor(options: MetadataIndexOptions) {
    this.#maxEntries = options.maxEntries
    this.#maxWeight = options.maxWeight
    this.#sketch = new FrequencySketch(options.maxEntries, (options.random ?? Math.random)() * 2 ** 32)
  }

  get entryCount(): number {
    return this.#nodes.size
  }

  /** Sum of the weights held, in bytes. */
  get weight(): number {
    return this.#weights.window + this.#weights.probation + this.#weights.protected
  }

  /** One request for a key: it is counted whether or not the key is held, and a held entry moves. */
  get(key: string): V | undefined {
    this.#sketch.increment(key)
    const node = this.#nodes.get(key)
    if (node === undefined) return undefined
    this.#move(node, node.segment === 'window' ? 'window' : 'protected')
    this.#demote()
    return node.value
  }

  /** The value of a key. Counts and moves nothing. */
  peek(key: string): V | undefined {
    return this.#nodes.get(key)?.value
  }

  /** Holds a value. Returns what had to go, which may be the entry itself. Not a request: nothing is counted. */
  set(key: string, value: V, weight: number): readonly Evicted<V>[] {
    const evicted: Evicted<V>[] = []
    const held = this.#nodes.get(key)
    if (held !== undefined) {
      evicted.push(report(held, 'replaced'))
      this.#remove(held)
    }
    const node: Node<V> = { key, value, weight: Math.max(1, weight), segment: held?.segment ?? 'window' }
    if (node.weight > this.#maxWeight || this.#maxEntries < 1) return [...evicted, report(node, 'rejected')]
    this.#insert(node)
    this.#demote()
    this.#evict(evicted)
    return evicted
  }

  /** Another value for the same bytes, such as freshened metadata: weight, place and history stay. */
  update(key: string, value: V): boolean {
    const node = this.#nodes.get(key)
    if (node === undefined) return false
    node.value = value
    return true
  }

  delete(key: string): V | undefined {
    const node = this.#nodes.get(key)
    if (node === undefined) return undefined
    this.#remove(node)
    return node.value
  }

  /** Whether `set` would keep an entry of this weight now. Changes nothing. */
  wouldAdmit(key: string, weight: number): boolean {
    if (weight > this.#maxWeight || this.#maxEntries < 1) return false
    return weight <= this.#windowWeight() || this.#hasRoom(key, weight) || this.#isWorth(key, weight)
  }

  /** Other bounds. Returns what had to go to keep them. */
  resize(bounds: { readonly maxEntries?: number; readonly maxWeight?: number }): readonly Evicted<V>[] {
    this.#maxEntries = bounds.maxEntries ?? this.#maxEntries
    this.#maxWeight = bounds.maxWeight ?? this.#maxWeight
    const evicted: Evicted<V>[] = []
    // What can no longer be held at all goes first: what is colder must not make room for it in vain.
    for (const node of [...this.#nodes.values()].filter(({ weight }) => weight > this.#maxWeight)) {
      this.#remove(node)
      evicted.push(report(node, 'size'))
    }
    this.#demote()
    this.#evict(evicted)
    return evicted
  }

  clear(): void {
    this.#nodes.clear()
    for (const segment of ['window', 'probation', 'protected'] as const) {
      this.#segments[segment].clear()
      this.#weights[segment] = 0
    }
  }

  /** Everything held, coldest first: setting in this order gives the same order of eviction. */
  *entries(): Generator<{ readonly key: string; readonly value: V; readonly weight: number }, void, void> {
    for (const segment of ['probation', 'window', 'protected'] as const) yield* this.#segments[segment].values()
  }

  /** Evicts until both bounds hold: first from the window into main, then the weaker of candidate and victims. */
  #evict(evicted: Evicted<V>[]): void {
    while (this.#isOver()) {
      const candidate = this.#isWindowOver() ? first(this.#segments.window) : undefined
      if (candidate !== undefined && this.#isWorth(candidate.key, candidate.weight)) {
        this.#move(candidate, 'probation')
        this.#evictVictim(evicted, candidate)
      } else if (candidate !== undefined) {
        this.#remove(candidate)
        evicted.push(report(candidate, 'rejected'))
      } else {
        this.#evictVictim(evicted, undefined)
      }
    }
    this.#settleWindow()
  }

  #evictVictim(evicted: Evicted<V>[], spared: Node<V> | undefined): void {
    const reason = this.#nodes.size > this.#maxEntries ? 'count' : 'size'
    for (const victim of this.#victims()) {
      if (victim === spared) continue
      this.#remove(victim)
      evicted.push(report(victim, reason))
      return
    }
  }

  /** While there is room for all, what the window cannot hold goes to probation without a contest. */
  #settleWindow(): void {
    while (this.#isWindowOver()) {
      const oldest = first(this.#segments.window)
      if (oldest === undefined || this.#segments.window.size === 1) return
      this.#move(oldest, 'probation')
    }
  }

  /** In the order of eviction: probation, then protected, then the window. */
  *#victims(): Generator<Node<V>, void, void> {
    for (const segment of ['probation', 'protected', 'window'] as const) yield* this.#segments[segment].values()
  }

  /** "worth all that it would push out": asked for more often than the victims together. */
  #isWorth(key: string, weight: number): boolean {
    const frequency = this.#sketch.estimate(key)
    let needed = this.weight + (this.#nodes.has(key) ? 0 : weight) - this.#maxWeight
    let places = this.#nodes.size + (this.#nodes.has(key) ? 0 : 1) - this.#maxEntries
    let sum = 0
    for (const victim of this.#victims()) {
      if (needed <= 0 && places <= 0) break
      if (victim.key === key) continue
      sum += this.#sketch.estimate(victim.key)
      if (sum >= frequency) return false
      needed -= victim.weight
      places--
    }
    return true
  }

  #hasRoom(key: string, weight: number): boolean {
    const held = this.#nodes.get(key)
    const count = this.#nodes.size + (held === undefined ? 1 : 0)
    return count <= this.#maxEntries && this.weight - (held?.weight ?? 0) + weight <= this.#maxWeight
  }

  #isOver(): boolean {
    return this.#nodes.size > this.#maxEntries || this.weight > this.#maxWeight
  }

  #windowWeight(): number {
    return Math.ceil(this.#maxWeight * WINDOW_SHARE)
  }

  #isWindowOver(): boolean {
    return (
      this.#weights.window > this.#windowWeight() ||
      this.#segments.window.size > Math.ceil(this.#maxEntries * WINDOW_SHARE)
    )
  }

  /** What protected cannot hold goes back to probation, as its most recent. */
  #demote(): void {
    const bound = this.#maxWeight * (1 - WINDOW_SHARE) * PROTECTED_SHARE
    const places = this.#maxEntries * (1 - WINDOW_SHARE) * PROTECTED_SHARE
    while (this.#weights.protected > bound || this.#segments.protected.size > places) {
      const oldest = first(this.#segments.protected)
      if (oldest === undefined) return
      this.#move(oldest, 'probation')
    }
  }

  #move(node: Node<V>, segment: Segment): void {
    this.#remove(node)
    node.segment = segment
    this.#insert(node)
  }

  #insert(node: Node<V>): void {
    this.#nodes.set(node.key, node)
    this.#segments[node.segment].set(node.key, node)
    this.#weights[node.segment] += node.weight
  }

  #remove(node: Node<V>): void {
    this.#nodes.delete(node.key)
    this.#segments[node.segment].delete(node.key)
    this.#weights[node.segment] -= node.weight
  }
}

function first<V>(nodes: Map<string, Node<V>>): Node<V> | undefined {
  return nodes.values().next().value
}

function report<V>({ key, value, weight }: Node<V>, reason: EvictionReason): Evicted<V> {
  return { key, value, weight, reason }
}
