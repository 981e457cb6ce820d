/**
 * 1,000 callers at once for one URL whose answer may not be stored, and for one whose answer is each user's own: one that
 * nobody has asked for before, and one that has been asked for.
 */
import { atMost, exactly } from '../harness/checks.ts'
import { clientOf, type Client } from '../harness/clients.ts'
import { together } from '../harness/drive.ts'
import { figure } from '../harness/results.ts'
import type { Workload } from '../harness/workload.ts'
import { KIB, modeOf, openPeer } from './common.ts'

const CALLERS = 1000
const ORIGIN_MS = 200
const ANSWERED = 'all answered, ms'
const SHARED = 'answers that two have got'

const QUERIES = {
  'no-store': `?delay=${ORIGIN_MS}&control=no-store`,
  'private, with Set-Cookie': `?delay=${ORIGIN_MS}&control=private,max-age=60&cookie`,
} as const
const MODES = (Object.keys(QUERIES) as (keyof typeof QUERIES)[]).flatMap((answer) => [
  { name: answer, answer, isKnown: false },
  { name: `${answer}, asked for before`, answer, isKnown: true },
])

export const callersUncacheable: Workload = {
  name: 'callers-uncacheable',
  title: `1,000 callers, uncacheable answers, origin ${ORIGIN_MS} ms`,
  modes: MODES,
  contenders: ['this', 'no cache', 'deduplicate', 'nginx', 'varnish'],
  rounds: 5,
  open: async (context) => {
    const peer = await openPeer(context)
    const client = clientOf(peer, 'request()')
    let round = 0
    return {
      round: async (mode) => {
        const { answer, isKnown } = modeOf(MODES, mode)
        const name = `${context.peer.replaceAll(' ', '-')}-${isKnown ? 'known' : round++}`
        const url = `${peer.base}/${KIB}/${name}${QUERIES[answer]}`
        const numbers = new Set<string>()
        const begun = performance.now()
        await together(CALLERS, async () => numbers.add(await numberOf(client, url)))
        const answered = performance.now() - begun
        return { operations: CALLERS, figures: { [ANSWERED]: answered, [SHARED]: CALLERS - numbers.size } }
      },
      close: () => peer.close(),
    }
  },
  checks: (results) =>
    MODES.flatMap(({ name }) => [
      atMost(`${name}: all answered, no cache's time`, results.ratio(name, figure(ANSWERED), 'this', 'no cache'), 1.2),
      exactly(`${name}: ${SHARED}`, results.most(name, 'this', figure(SHARED)), 0, ''),
    ]),
}

async function numberOf(client: Client, url: string): Promise<string> {
  const { number, body } = await client.take(url)
  for await (const _ of body);
  return number
}
