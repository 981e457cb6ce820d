/** The request stream that undici's `pipeline()` always gives, also for a GET that has no content. */
export function isPipelineBody(body: unknown): body is NodeJS.ReadableStream {
  return typeof body === 'object' && body?.constructor.name === 'PipelineRequest'
}
