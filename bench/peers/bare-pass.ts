/**
 * The least that a cache has to do with a miss that it does not store: look for the URL, note that it is under way, read the header
 * section, pass everything on with a word of its own. Nothing is judged.
 */
import { Agent, type Dispatcher } from 'undici'
import type { Peer } from './peer.ts'

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
        return dispatch(
          options,
          passing(handler, () => underWay.delete(url)),
        )
      }),
      close: () => agent.close(),
    }
  },
}

function passing(handler: Dispatcher.DispatchHandler, onArrived: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (...given) => handler.onRequestStart?.(...given),
    onResponseStart: (controller, status, headers, message) => {
      const lines = (controller.rawHeaders as Buffer[]).map((part) => part.toString('latin1'))
      if (lines.length % 2 !== 0) throw new Error('Expected pairs')
      onArrived()
      handler.onResponseStart?.(controller, status, { ...headers, 'cache-status': 'bare; fwd=uri-miss' }, message)
    },
    onResponseData: (...given) => handler.onResponseData?.(...given),
    onResponseEnd: (...given) => handler.onResponseEnd?.(...given),
    onResponseError: (...given) => handler.onResponseError?.(...given),
  }
}
