/**
 * The least that a store with a file for each body has to do while a response passes: a digest for the file's name, a
 * checksum for each piece, so that it can be read in pieces, and the bytes in the file. Nothing is judged, held back or let go.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Agent, type Dispatcher } from 'undici'
import type { Peer } from './peer.ts'

export const bareStore: Peer = {
  open: async ({ directory, origin }) => {
    const agent = new Agent()
    return {
      base: origin,
      dispatcher: agent.compose((dispatch) => (options, handler) => dispatch(options, storing(handler, directory))),
      close: () => agent.close(),
    }
  },
}

function storing(handler: Dispatcher.DispatchHandler, directory: string): Dispatcher.DispatchHandler {
  const path = join(directory, 'under-way')
  const hash = createHash('sha256')
  const checksums: number[] = []
  let descriptor = 0
  return {
    onRequestStart: (...given) => handler.onRequestStart?.(...given),
    onResponseStart: (...given) => {
      descriptor = openSync(path, 'w')
      handler.onResponseStart?.(...given)
    },
    onResponseData: (controller, chunk) => {
      hash.update(chunk)
      checksums.push(crc32(chunk))
      writeSync(descriptor, chunk)
      handler.onResponseData?.(controller, chunk)
    },
    onResponseEnd: (...given) => {
      closeSync(descriptor)
      renameSync(path, join(directory, hash.digest('hex')))
      handler.onResponseEnd?.(...given)
    },
    onResponseError: (...given) => handler.onResponseError?.(...given),
  }
}
