/** How do I see hits in my traces and metrics, where undici's instrumentation sees none? */
import { metrics, trace } from '@opentelemetry/api'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createFetch, StreamingManager } from 'undici-streaming-cache'
import { instrument } from 'undici-streaming-cache/otel'
import { startOrigin } from './origin.ts'

// Your program sets up the SDK once, with exporters that send; these keep in memory what is shown below.
const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
const reader = new Reader()
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))

await using origin = await startOrigin({
  '/hello': { headers: { 'cache-control': 'max-age=60' }, body: 'Hello!' },
})
await using manager = await StreamingManager.temporary()
const stop = instrument(manager, { name: 'pages' })

const fetch = createFetch(manager)
for (let i = 0; i < 4; i++) await (await fetch(`${origin.url}/hello`)).text()

for (const { name, attributes } of exporter.getFinishedSpans()) {
  const url = String(attributes['url.full']).replace(origin.url, '')
  console.log(`span: ${name} ${url}, ${String(attributes['undici_streaming_cache.result'])}`)
}
const { resourceMetrics } = await reader.collect()
for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
  for (const { attributes, value } of dataPoints) {
    const labels = ['result', 'reason', 'source'].map((name) => attributes[`undici_streaming_cache.${name}`])
    const shown = typeof value === 'number' ? value : `${value.count} measured`
    if (shown !== 0) console.log(`metric: ${[descriptor.name, ...labels].filter(Boolean).join(' ')}: ${shown}`)
  }
}
stop()
