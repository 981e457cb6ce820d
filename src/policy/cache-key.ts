/** The cache key (RFC 9111 section 2): "at a minimum … the request method and target URI". */

/** GET, the common case, has the target URI itself as its key; other methods are named before it. */
export function cacheKey(method: string, uri: string): string {
  return method === 'GET' ? uri : `${method} ${uri}`
}

/** The key under which a GET of the same target URI is stored. */
export function keyOfGet(key: string): string {
  return key.slice(key.indexOf(' ') + 1)
}
