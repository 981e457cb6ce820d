/** How do I steer the cache for an SDK that calls `fetch` deep inside, and takes no options for it? */
import { install, StreamingManager, withCacheOptions } from 'undici-streaming-cache'
import { startOrigin } from './origin.ts'

/** Code of somebody else. */
class WeatherSdk {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async forecast(city: string): Promise<string> {
    const response = await fetch(`${this.#url}/${city}`)
    const { weather } = (await response.json()) as { weather: string }
    return `${weather.padEnd(6)} ${response.headers.get('cache-status')}`
  }
}

let weather = 'sunny'
await using origin = await startOrigin({
  '/ulm': () => ({ headers: { 'cache-control': 'max-age=600' }, body: JSON.stringify({ weather }) }),
})
await using manager = await StreamingManager.temporary()
install(manager)
const sdk = new WeatherSdk(origin.url)

console.log(`first          ${await sdk.forecast('ulm')}`)
weather = 'rainy'
console.log(`again          ${await sdk.forecast('ulm')}`)
// By AsyncLocalStorage: every request below the function, and none beside it, however many run at a time.
const [now, meanwhile] = await Promise.all([
  withCacheOptions({ mode: 'reload' }, () => sdk.forecast('ulm')),
  sdk.forecast('ulm'),
])
console.log(`with reload    ${now}`)
console.log(`meanwhile      ${meanwhile}`)
console.log(`afterwards     ${await sdk.forecast('ulm')}`)
console.log(`The origin was asked ${origin.requests} times.`)
