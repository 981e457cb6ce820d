/** Content of requests that the cache answers or must tell from others'. */
import { Readable } from 'node:stream'

/** The request stream that undici's `pipeline()` always gives, also for a GET that has no content. */
export function isPipelineBody(body: unknown): body is NodeJS.ReadableStream {
  return typeof body === 'object' && body?.constructor.name === 'PipelineRequest'
}

/** Content that is sent to nobody. `pipeline()` waits for its stream to be read, other streams would stay open. */
export function discard(body: unknown): void {
  if (isPipelineBody(body)) body.resume()
  else if (body instanceof Readable) body.destroy()
}
