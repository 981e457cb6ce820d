/**
 * SIEVE: one queue, one bit, and a hand that goes from the oldest to the newest and does not move what it spares.
 *
 *   Zhang, Yang, Yue, Vigfusson, Rashmi: "SIEVE is Simpler than LRU" (2024)
 */
import type { Policy, PolicySource } from './policy.ts'

interface Node {
  readonly object: number
  readonly size: number
  isVisited: boolean
  newer: Node | undefined
  older: Node | undefined
}

export const sieve: PolicySource = { name: 'SIEVE', create: (capacity) => new Sieve(capacity) }

class Sieve implements Policy {
  readonly #capacity: number
  readonly #nodes = new Map<number, Node>()
  #newest: Node | undefined
  #oldest: Node | undefined
  #hand: Node | undefined
  #held = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  held(): number {
    return this.#held
  }

  request(object: number, size: number): boolean {
    const node = this.#nodes.get(object)
    if (node !== undefined) {
      node.isVisited = true
      return true
    }
    if (size > this.#capacity) return false
    while (this.#held + size > this.#capacity) this.#evict()
    const added: Node = { object, size, isVisited: false, newer: undefined, older: this.#newest }
    if (this.#newest === undefined) this.#oldest = added
    else this.#newest.newer = added
    this.#newest = added
    this.#nodes.set(object, added)
    this.#held += size
    return false
  }

  #evict(): void {
    let node = this.#hand ?? this.#oldest
    while (node?.isVisited === true) {
      node.isVisited = false
      node = node.newer ?? this.#oldest
    }
    if (node === undefined) return
    this.#hand = node.newer
    this.#remove(node)
  }

  #remove(node: Node): void {
    if (node.newer === undefined) this.#newest = node.older
    else node.newer.older = node.older
    if (node.older === undefined) this.#oldest = node.newer
    else node.older.newer = node.newer
    this.#nodes.delete(node.object)
    this.#held -= node.size
  }
}
