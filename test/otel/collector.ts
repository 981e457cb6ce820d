/** OpenTelemetry's own SDK, collecting in memory. */
import { AsyncLocalStorage } from 'node:async_hooks'
import {
  context,
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type Context,
  type ContextManager,
  type Span,
} from '@opentelemetry/api'
import { MeterProvider, MetricReader, type DataPoint } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace'

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** As the SDK for Node has it. */
class AsyncContextManager implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>()

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    active: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(active, () => fn.apply(thisArg, args))
  }

  bind<T>(_active: Context, target: T): T {
    return target
  }

  enable(): this {
    return this
  }

  disable(): this {
    return this
  }
}
context.setGlobalContextManager(new AsyncContextManager())

export class Collector {
  readonly #exporter = new InMemorySpanExporter()
  readonly #reader = new ManualReader()
  readonly tracerProvider: TracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.#exporter })],
  })
  readonly meterProvider: MeterProvider = new MeterProvider({ readers: [this.#reader] })

  get spans(): ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** Runs `fn` below a span of this name, which is not ended. */
  below<T>(name: string, fn: () => T): { result: T; parent: Span } {
    const parent = this.tracerProvider.getTracer('test').startSpan(name)
    return { result: context.with(trace.setSpan(context.active(), parent), fn), parent }
  }

  async points(name: string): Promise<DataPoint<unknown>[]> {
    const { resourceMetrics } = await this.#reader.collect()
    const found = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
    return found
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as DataPoint<unknown>[])
  }

  /** Values by their attributes. */
  async values(name: string): Promise<[Attributes, number][]> {
    return (await this.points(name)).map(({ attributes, value }) => [attributes, value as number])
  }
}
