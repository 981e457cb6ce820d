/** What several rows have in common. */
import { clientOf, type Api, type Client } from '../harness/clients.ts'
import { drive } from '../harness/drive.ts'
import type { Context, Counted, Figures, Mode, Task } from '../harness/workload.ts'
import type { Limits, OpenPeer } from '../peers/peer.ts'
import { peerOf } from '../peers/peers.ts'

export const KIB = 1024
/** Rounds until code that runs some thousand times a second is compiled. */
export const WARM_UPS = 8
const STORE_ATTEMPTS = 10

/** Milliseconds of a round. */
export function roundMs({ isQuick }: Context): number {
  return isQuick ? 150 : 700
}

export async function openPeer(
  context: Context,
  limits: Limits = {},
  directory = context.directory,
): Promise<OpenPeer> {
  return await peerOf(context.peer).open({ directory, origin: context.origin, limits })
}

/** A way to ask that is an API and a number of requests at a time. */
export interface AskMode extends Mode {
  readonly api: Api
  readonly inFlight: number
}

export function askModes(apis: readonly Api[], inFlights: readonly number[]): AskMode[] {
  return apis.flatMap((api) => inFlights.map((inFlight) => ({ name: `${api}, ${inFlight} at a time`, api, inFlight })))
}

export function modeOf<M extends Mode>(modes: readonly M[], name: string): M {
  const mode = modes.find((each) => each.name === name)
  if (mode === undefined) throw new Error(`No mode ${name}`)
  return mode
}

export async function getWhole(client: Client, url: string, size: number): Promise<void> {
  const bytes = await client.whole(url)
  if (bytes !== size) throw new Error(`Expected ${size} bytes of ${url}, got ${bytes}`)
}

/** Rounds of hits on these URLs, one after the other in an order that is the same for all. */
export function hitTask(
  peer: OpenPeer,
  modes: readonly AskMode[],
  milliseconds: number,
  size: number,
  urlOf: (n: number) => string,
): Task {
  const clients = new Map<Api, Client>()
  let asked = 0
  return {
    round: async (name): Promise<Counted> => {
      const { api, inFlight } = modeOf(modes, name)
      const client = clients.get(api) ?? clientOf(peer, api)
      clients.set(api, client)
      const operations = await drive({ inFlight, milliseconds }, () => getWhole(client, urlOf(asked++), size))
      return { operations }
    },
    close: () => peer.close(),
  }
}

/** Asks for each once, as many at a time as do not hurt, and waits until it is written. */
export async function fill(peer: OpenPeer, count: number, urlOf: (n: number) => string): Promise<void> {
  const client = clientOf(peer, 'request()')
  await drive({ inFlight: 32, operations: count }, (n) => client.whole(urlOf(n)))
  await peer.settled?.()
}

export async function figuresOf(peer: OpenPeer): Promise<Figures> {
  await peer.settled?.()
  return (await peer.figures?.()) ?? {}
}

/** Asks until the answer is one that was there before: some stores have a response only a while after its last byte. */
export async function untilStored(peer: OpenPeer, url: string): Promise<void> {
  const client = clientOf(peer, 'request()')
  let before: string | undefined
  for (let i = 0; i < STORE_ATTEMPTS; i++) {
    const { number, body } = await client.take(url)
    for await (const _ of body);
    if (number === before) return
    before = number
    await peer.settled?.()
  }
  throw new Error(`${url} was never stored`)
}
