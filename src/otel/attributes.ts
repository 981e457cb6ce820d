/** What is said of a hit, in the names of OpenTelemetry's semantic conventions for HTTP clients. */
import type { Attributes } from '@opentelemetry/api'
import type { ServeEvent } from '../diagnostics.ts'
import { keyOfGet } from '../policy/cache-key.ts'

/** Before the names that are no convention's. */
export const PREFIX = 'undici_streaming_cache'

/** Tells hits from what an instrumentation of undici has measured under the same name. */
export const HIT: Attributes = { [`${PREFIX}.result`]: 'hit' }

/** Methods that the conventions know; others are `_OTHER`, so that nobody can make up series. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'])

/** Query parameters whose values the conventions ask to redact. */
const SECRET_PARAMETERS = new Set(['AWSAccessKeyId', 'Signature', 'sig', 'X-Goog-Signature'])

/** Of few values: for metrics, and for a span that begins. */
export function requestAttributes({ key, method }: Pick<ServeEvent, 'key' | 'method'>): Attributes {
  const { hostname, port, protocol } = new URL(keyOfGet(key))
  const defaultPort = protocol === 'https:' ? 443 : 80
  return {
    'http.request.method': METHODS.has(method) ? method : '_OTHER',
    'server.address': hostname,
    'server.port': port === '' ? defaultPort : Number(port),
    'url.scheme': protocol.slice(0, -1),
  }
}

export function outcomeAttributes({ statusCode, error }: Pick<ServeEvent, 'statusCode' | 'error'>): Attributes {
  const type = errorType(statusCode, error)
  return {
    ...(statusCode === undefined ? {} : { 'http.response.status_code': statusCode }),
    ...(type === undefined ? {} : { 'error.type': type }),
  }
}

/** For clients, statuses from 400 on are errors. */
function errorType(statusCode: number | undefined, error: Error | undefined): string | undefined {
  if (error !== undefined) return (error as NodeJS.ErrnoException).code ?? error.name
  return statusCode !== undefined && statusCode >= 400 ? String(statusCode) : undefined
}

/** Without what the cache adds to keys, and without secrets in the query. */
export function fullUrl(key: string): string {
  const [url = ''] = keyOfGet(key).split('#')
  // What is not secret stays as it is written.
  return url.replaceAll(/([?&])([^=&]+)=([^&]*)/g, (pair: string, before: string, name: string) =>
    SECRET_PARAMETERS.has(name) ? `${before}${name}=REDACTED` : pair,
  )
}
