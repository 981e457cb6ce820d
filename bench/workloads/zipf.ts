/**
 * 200,000 requests of a Zipf law for ten times as many bytes as fit: how many hit, how fast, and what the disk holds.
 * Each round is the next slice of the stream, so that the contenders take turns; all get the same, from empty. A hit is
 * what the origin was not asked for.
 */
import { atLeast, atMost, exactly, type Check } from '../harness/checks.ts'
import { clientOf } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import { figure, perSecond, type Results } from '../harness/results.ts'
import type { Figures, Workload } from '../harness/workload.ts'
import type { PeerName } from '../peers/peers.ts'
import { diskUse } from './disk-use.ts'
import { figuresOf, getWhole, openPeer } from './common.ts'
import { simulateAll, zipfStream, type ZipfStream } from './zipf-stream.ts'

const OBJECTS = 50_000
const REQUESTS = 200_000
const QUICK_OBJECTS = 2000
const QUICK_REQUESTS = 8000
const ROUNDS = 40
const IN_FLIGHT = 16
const BYTES = 'bytes asked for'
const DISK = 'disk / limit'
const LRU_ON_DISK = 'LRU on disk %'
const INDEX = 'index %'
const INDEX_BYTES = 'index bytes %'
const MODE = `request(), ${IN_FLIGHT} at a time`
const PEERS = ['MemoryCacheStore', 'SqliteCacheStore', 'nginx', 'varnish'] as const

export const zipf: Workload = {
  name: 'zipf',
  title: 'Zipf 0.9, 50,000 URLs, sizes log-normal around 20 KB, capacity a tenth',
  modes: [{ name: MODE, isCold: true, rounds: ROUNDS }],
  contenders: ['this', ...PEERS],
  rounds: ROUNDS,
  open: async (context) => {
    const objects = context.isQuick ? QUICK_OBJECTS : OBJECTS
    const stream = zipfStream(objects, context.isQuick ? QUICK_REQUESTS : REQUESTS)
    const { sizes, requests, capacity } = stream
    // SqliteCacheStore counts responses only.
    const maxEntries = context.peer === 'SqliteCacheStore' ? Math.round(objects / 10) : objects
    const peer = await openPeer(context, { maxEntries, maxSize: capacity })
    const client = clientOf(peer, 'request()')
    const slice = requests.length / ROUNDS
    let asked = 0
    return {
      round: async () => {
        const from = asked
        let bytes = 0
        const operations = await drive({ inFlight: IN_FLIGHT, operations: slice }, async (n) => {
          const object = requests[from + n] as number
          const size = sizes[object] as number
          bytes += size
          await getWhole(client, `${peer.base}/${size}/object-${object}`, size)
        })
        asked += operations
        return { operations, figures: { [BYTES]: bytes } }
      },
      inspect: async () => ({ [DISK]: (await diskUse(context.directory)).bytes / capacity }),
      finish: async () => {
        const { stored = NaN } = await figuresOf(peer)
        const { bytes, contents } = await diskUse(context.directory)
        return {
          'capacity, MB': capacity / 1e6,
          'du, MB': bytes / 1e6,
          stored,
          ...(context.peer === 'this' ? { 'files nobody needs': contents - stored, ...simulated(stream) } : {}),
        }
      },
      close: () => peer.close(),
    }
  },
  summary: (results, peer) => {
    if (results.samples(MODE, peer).length === 0) return {}
    return { 'object hits %': objectHits(results, peer), 'byte hits %': byteHits(results, peer) }
  },
  checks: (results) => {
    const own = objectHits(results, 'this')
    const finished = results.finished('this')
    const { 'LRU %': lru = NaN, [LRU_ON_DISK]: onDisk = NaN, [INDEX]: index = NaN } = finished
    return [
      ...PEERS.map((peer) => atLeast(`object hit ratio, ${peer}'s`, own / objectHits(results, peer), 1)),
      atLeast(`object hit ratio (${own.toFixed(1)} %), LRU's on the same stream`, own / lru, 1.12),
      atLeast('object hit ratio, that of LRU in the same files and folders', own / onDisk, 1.12),
      atLeast("object hit ratio of the index alone, LRU's, both of bodies alone", index / lru, 1.12),
      atLeast('byte hit ratio', byteHits(results, 'this'), 62, '%'),
      atLeast('byte hit ratio of the index alone, of bodies alone', finished[INDEX_BYTES] ?? NaN, 62, '%'),
      atLeast("requests a second, SqliteCacheStore's", results.ratio(MODE, perSecond, 'this', 'SqliteCacheStore'), 2),
      ...diskChecks(results),
    ]
  },
}

function simulated(stream: ZipfStream): Figures {
  const { lru, lruOnDisk, index, unlimited } = simulateAll(stream)
  return {
    'LRU %': lru.objects,
    'LRU bytes %': lru.bytes,
    [LRU_ON_DISK]: lruOnDisk.objects,
    'LRU on disk bytes %': lruOnDisk.bytes,
    [INDEX]: index.objects,
    [INDEX_BYTES]: index.bytes,
    'unlimited %': unlimited.objects,
  }
}

function diskChecks(results: Results): Check[] {
  return [
    atMost('disk at its fullest, of its limit', results.most(MODE, 'this', figure(DISK)), 1),
    exactly('files nobody needs', results.finished('this')['files nobody needs'] ?? NaN, 0, ''),
  ]
}

function objectHits(results: Results, peer: PeerName): number {
  const asked = results.sum(MODE, peer, ({ operations }) => operations)
  return (1 - results.sum(MODE, peer, ({ originRequests }) => originRequests) / asked) * 100
}

function byteHits(results: Results, peer: PeerName): number {
  return (1 - results.sum(MODE, peer, ({ originBytes }) => originBytes) / results.sum(MODE, peer, figure(BYTES))) * 100
}
