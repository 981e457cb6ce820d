/** A cache policy as the benches drive it. */
export interface Policy {
  /** One request for an object; if it is not held, it is fetched and offered. True for a hit. */
  request(object: number, size: number): boolean
  /** Bytes held now, where the policy knows: checked against the capacity. */
  held?(): number
}

export interface PolicySource {
  readonly name: string
  /** Only for traces where all objects have one size, or where sizes differ. */
  readonly only?: 'unit' | 'sized'
  create(capacity: number, trace: { readonly objectCount: number; readonly sizes: Uint32Array }): Policy
}
