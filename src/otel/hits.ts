/** A span for each hit, and its time in the histogram that instrumentations of clients fill for all others. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  SpanKind,
  SpanStatusCode,
  type Attributes,
  type Histogram,
  type Meter,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import { PACKAGE_NAME, type ServeEvent } from '../diagnostics.ts'
import { fullUrl, outcomeAttributes, requestAttributes } from './attributes.ts'

/** Boundaries in seconds that the conventions advise. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Observes the hits of one manager from now on, with these attributes beside the conventions'. Returns a function that ends that; what is under way then ends unseen. */
export function observeHits(directory: string, own: Attributes, tracer: Tracer, meter: Meter): () => void {
  const duration = createDuration(meter)
  const spans = new WeakMap<ServeEvent, Span>()
  const begin = (message: unknown): void => {
    const event = message as ServeEvent
    if (event.directory === directory) spans.set(event, startSpan(tracer, event, own))
  }
  const end = (message: unknown): void => {
    const event = message as ServeEvent
    const span = spans.get(event)
    if (span === undefined) return
    const outcome = outcomeAttributes(event)
    duration.record((event.duration ?? 0) / 1000, { ...requestAttributes(event), ...outcome, ...own })
    span.setAttributes({ ...outcome, 'http.response.body.size': event.size })
    if ('error.type' in outcome) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(event.startedAt + (event.duration ?? 0))
  }
  subscribe(`${PACKAGE_NAME}:serve`, begin)
  subscribe(`${PACKAGE_NAME}:served`, end)
  return function stop() {
    unsubscribe(`${PACKAGE_NAME}:serve`, begin)
    unsubscribe(`${PACKAGE_NAME}:served`, end)
  }
}

/** Below the span that is active where the request was made. */
function startSpan(tracer: Tracer, event: ServeEvent, own: Attributes): Span {
  const { 'http.request.method': method, ...attributes } = requestAttributes(event)
  return tracer.startSpan(method === '_OTHER' ? 'HTTP' : String(method), {
    kind: SpanKind.CLIENT,
    startTime: event.startedAt,
    attributes: { ...attributes, ...own, 'http.request.method': method, 'url.full': fullUrl(event.key) },
  })
}

function createDuration(meter: Meter): Histogram {
  return meter.createHistogram('http.client.request.duration', {
    description: 'Duration of HTTP client requests.',
    unit: 's',
    advice: { explicitBucketBoundaries: BOUNDARIES },
  })
}
