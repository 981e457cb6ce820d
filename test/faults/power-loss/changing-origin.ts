/**
 * A proving origin whose responses change: a POST, and a GET that says so, make the next version of a path, which its
 * body names. Some paths vary on the language, some have the same bytes as others.
 */
import { startProvingOrigin, type ProvingOrigin } from '../promises/proving-origin.ts'

export interface ChangingOrigin extends ProvingOrigin {
  /** The current version of each path that has changed. */
  readonly versions: ReadonlyMap<string, number>
}

/** What is asked for: a path, and a language where it varies. */
export interface Target {
  readonly path: string
  readonly language?: string
}

/** Nothing, a byte, less than a chunk, a chunk, several, many; shared bodies; variants; small ones that push others out. */
export const TARGETS: readonly Target[] = [
  ...['/empty-0', '/one-1', '/small-900', '/page-5000', '/chunk-65536', '/chunks-200000', '/large-400000'],
  ...['/huge-2500000', '/same/a-4000', '/same/b-4000', '/same/c-4000', '/f1-1500', '/f2-2500', '/f3-3500', '/f4-9000'],
]
  .map((path): Target => ({ path }))
  .concat(['de', 'fr'].flatMap((language) => ['/vary/x-700', '/vary/y-70000'].map((path) => ({ path, language }))))

/** The path whose body is this version of a target's. */
export function representation({ path, language = '' }: Target, version: number): string {
  if (path.startsWith('/same/')) return '/same-4000'
  const at = path.lastIndexOf('-')
  return `${path.slice(0, at)}.${language}.${version}${path.slice(at)}`
}

export async function startChangingOrigin(): Promise<ChangingOrigin> {
  const versions = new Map<string, number>()
  const origin = await startProvingOrigin(({ url: path = '/', method, headers }, response) => {
    if (method === 'POST' || headers['x-change'] !== undefined) versions.set(path, (versions.get(path) ?? 0) + 1)
    const isVaried = path.startsWith('/vary/')
    if (isVaried) response.setHeader('vary', 'accept-language')
    return representation(
      { path, ...(isVaried && { language: headers['accept-language'] ?? '' }) },
      versions.get(path) ?? 0,
    )
  })
  return Object.assign(origin, { versions })
}
