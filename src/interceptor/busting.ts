/** Invalidating what the user's function `bust` names when a response has come. */
import type { CacheEngine } from '../manager/cache-engine.ts'
import { cacheKey } from '../policy/cache-key.ts'
import type { ResponseHead } from '../policy/cache-request.ts'
import { uriOf, viewOfResponse, viewOfUri } from './message-views.ts'
import type { ResolvedInterceptorOptions } from './options.ts'
import type { Steering } from './steering.ts'
import type { Turn } from './turn.ts'

/** Undefined where there is no such function. It is to be called with each response that comes for this turn. */
export function busting(
  engine: CacheEngine,
  { annotating }: ResolvedInterceptorOptions,
  steering: Steering,
  { request, received }: Turn,
): ((response: ResponseHead) => void) | undefined {
  const { bust } = annotating
  if (bust === undefined) return undefined
  const target = uriOf(request)
  const keyFor = steering.keyer(request, target, received)
  const invalidate = (url: unknown) => {
    const uri = new URL(String(url), target)
    uri.hash = ''
    const key = keyFor(uri.href)
    // It is newer than what it has made invalid, and about to take the place of what it is named by.
    if (key === request.key) return
    engine.invalidate(key)
    engine.invalidate(cacheKey('HEAD', key))
  }
  return (response) => {
    try {
      const urls: unknown = bust(viewOfUri(received.method, target, request.fields), viewOfResponse(response))
      for (const url of (urls ?? []) as Iterable<unknown>) {
        try {
          invalidate(url)
        } catch (error) {
          engine.statistics.fault('bust', error, target)
        }
      }
    } catch (error) {
      engine.statistics.fault('bust', error, target)
    }
  }
}
