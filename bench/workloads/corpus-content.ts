/** What the corpus consists of: 100,000 responses of 1 KB, each of its own. */
import { join } from 'node:path'

export const BODY_BYTES = 1024

export function corpusUrl(origin: string, n: number): string {
  return `${origin}/${BODY_BYTES}/${String(n).padStart(6, '0')}`
}

export function corpusBody(url: string): Buffer {
  return Buffer.alloc(BODY_BYTES, url)
}

/** Where `bare read` has the body of the nth. */
export function bareFile(directory: string, n: number): string {
  return join(directory, String(n >> 8), String(n))
}
