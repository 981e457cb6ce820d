/** One start for the row `restart`: opens a peer over a filled directory and asks for one response. */
import { clientOf } from './clients.ts'
import { corpusUrl } from '../workloads/corpus-content.ts'
import { corpusLimits } from '../workloads/corpus.ts'
import { peerOf, type PeerName } from '../peers/peers.ts'

interface Start {
  readonly peer: PeerName
  readonly origin: string
  readonly directory: string
  readonly count: number
}

const { peer: name, origin, directory, count } = JSON.parse(process.argv[2] ?? '') as Start

const begun = performance.now()
const peer = await peerOf(name).open({ directory, origin, limits: corpusLimits(count) })
const openMs = performance.now() - begun
const bytes = await clientOf(peer, 'request()').whole(corpusUrl(origin, count - 7))
const firstHitMs = performance.now() - begun
if (bytes !== 1024) throw new Error(`Expected 1024 bytes, got ${bytes}`)
await peer.close()
process.send?.({ 'open, ms': openMs, 'first hit, ms': firstHitMs })
process.disconnect()
