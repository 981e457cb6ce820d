/**
 * Options for single requests, as a user writes them: what `withCache` returns is what fetch and undici take, and the
 * field `httpCache` is typed where it is declared. Compiling this file is the check (`npm run check:types`).
 */
import * as undici8 from 'undici'
import * as undici7 from 'undici7'
import { withCache, withCacheOptions, type RequestCacheOptions, type Rule } from 'undici-streaming-cache'

/** The declaration of the README. */
declare module 'undici' {
  namespace Dispatcher {
    interface DispatchOptions {
      httpCache?: RequestCacheOptions
    }
  }
}

export async function ask(url: string): Promise<unknown[]> {
  return [
    await fetch(url, { dispatcher: withCache({ ttl: 60 }) }),
    await undici8.fetch(url, { dispatcher: withCache({ ttl: 60 }, undici8.getGlobalDispatcher()) }),
    await undici7.fetch(url, { dispatcher: withCache({ ttl: 60 }, undici7.getGlobalDispatcher()) }),
    await undici8.request(url, { dispatcher: withCache({ tags: ['a'] }, new undici8.Agent()) }),
    await undici7.request(url, { dispatcher: withCache({ tags: ['a'] }, new undici7.Agent()) }),
    await undici8.request(url, { httpCache: { mode: 'reload', tags: ['a'] } }),
    await withCacheOptions({ ignoreQuery: ['utm_*', /^x/], key: ({ url: own }) => own }, () => undici8.request(url)),
  ]
}

// @ts-expect-error -- options are not just anything
export const wrongMode: RequestCacheOptions = { mode: 'offline' }
// @ts-expect-error -- nor are rules
export const wrongRule: Rule = { status: '9xx' }
// @ts-expect-error -- a misspelt one is found at once
export const misspelt: RequestCacheOptions = { maxTTL: 60 }
