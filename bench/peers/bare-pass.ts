/**
 * The least that a cache has to do with a miss that it does not store: look for the URL, note that it is under way, read the header
 * section, pass everything on with a word of its own. Nothing is judged.
 */
import { Agent, type Dispatcher } from 'undici'
import type { Peer } from './peer.ts'

type Heard = Required<Dispatcher.DispatchHandler>

export const barePass: Peer = {
  open: async ({ origin }) => {
    const agent = new Agent()
    const underWay = new Set<string>()
    return {
      base: origin,
      dispatcher: agent.compose((dispatch) => (options, handler) => {
        const url = `${String(options.origin)}${options.path}`
        if (underWay.has(url)) throw new Error('Expected a miss')
        underWay.add(url)
        return dispatch(options, new Passing(handler, () => underWay.delete(url)))
      }),
      close: () => agent.close(),
    }
  },
}

/** It lets go of whom it has spoken to: see bench/README.md, where the time goes. */
class Passing implements Dispatcher.DispatchHandler {
  #handler: Dispatcher.DispatchHandler
  readonly #onArrived: () => void

  constructor(handler: Dispatcher.DispatchHandler, onArrived: () => void) {
    this.#handler = handler
    this.#onArrived = onArrived
  }

  onRequestStart(...given: Parameters<Heard['onRequestStart']>): void {
    this.#handler.onRequestStart?.(...given)
  }

  onResponseStart(...[controller, status, headers, message]: Parameters<Heard['onResponseStart']>): void {
    const lines = (controller.rawHeaders as Buffer[]).map((part) => part.toString('latin1'))
    if (lines.length % 2 !== 0) throw new Error('Expected pairs')
    this.#onArrived()
    const marked = { ...headers, 'cache-status': 'bare; fwd=uri-miss' }
    this.#handler.onResponseStart?.(controller, status, marked, message)
  }

  onResponseData(...given: Parameters<Heard['onResponseData']>): void {
    this.#handler.onResponseData?.(...given)
  }

  onResponseEnd(...given: Parameters<Heard['onResponseEnd']>): void {
    this.#handler.onResponseEnd?.(...given)
    this.#handler = {}
  }

  onResponseError(...given: Parameters<Heard['onResponseError']>): void {
    this.#handler.onResponseError?.(...given)
    this.#handler = {}
  }
}
