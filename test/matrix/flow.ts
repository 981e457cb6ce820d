/** Bodies that do not simply pass: callers that pause, leave or come too late, origins and files that break off. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { assertStalled } from './stalled.ts'
import { closed, sending, type Respond } from './origin.ts'
import { assertSame, WAYS, type Stage, type StageCheck } from './stage.ts'

export const flowChecks: StageCheck[] = [
  // What was validated is played as a hit is.
  { check: backPressure, ways: ['miss', 'hit'] },
  { check: cancelledInTheBody, ways: WAYS },
  { check: abortedInTheBody, ways: WAYS },
  { check: abortedBeforehand, ways: WAYS },
  { check: abortedAtOnce, ways: WAYS },
  { check: abortedBeforeTheHeaders, ways: WAYS },
  { check: brokenBody, ways: WAYS },
  { check: missingFile, ways: ['hit', 'validated'] },
]

const MIB = 1024 * 1024

/** More than every consumer holds unread. */
const HALF_MIB = MIB / 2

/** Much, and made once. */
const LARGE = randomBytes(8 * MIB)

async function backPressure(stage: Stage): Promise<void> {
  const route = await stage.prepare(sending(LARGE))
  const answer = await assertStalled(MIB, () => stage.ask(route))
  assertSame(await answer.bytes(), LARGE)
}

async function cancelledInTheBody(stage: Stage): Promise<void> {
  const body = randomBytes(HALF_MIB)
  const route = await stage.prepare(halfOnce(body, stage))
  const answer = await stage.ask(route)
  await answer.some()
  await answer.cancel()
  if (stage.way === 'miss') await closed(responseOf(route))
  await stage.assertWhole(route, body)
}

async function abortedInTheBody(stage: Stage): Promise<void> {
  const body = randomBytes(HALF_MIB)
  const route = await stage.prepare(halfOnce(body, stage))
  const controller = new AbortController()
  const answer = await stage.ask(route, { signal: controller.signal })
  await answer.some()
  controller.abort()
  await assert.rejects(answer.bytes(), { name: 'AbortError' })
  if (stage.way === 'miss') await closed(responseOf(route))
  await stage.assertWhole(route, body)
}

async function abortedBeforehand(stage: Stage): Promise<void> {
  const body = randomBytes(100_000)
  const route = await stage.prepare(sending(body))
  await assert.rejects(stage.caller.ask(route.url, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  assert.equal(route.arrivals.length, 0)
  await stage.assertWhole(route, body)
}

/** While a hit's file is being opened; before a miss has reached the origin. */
async function abortedAtOnce(stage: Stage): Promise<void> {
  const body = randomBytes(100_000)
  const route = await stage.prepare(sending(body))
  const controller = new AbortController()
  const asked = stage.caller.ask(route.url, { signal: controller.signal })
  controller.abort()
  await assert.rejects(asked, { name: 'AbortError' })
  await stage.assertWhole(route, body)
}

/** When a hit is about to be announced; while the origin thinks. */
async function abortedBeforeTheHeaders(stage: Stage): Promise<void> {
  const body = randomBytes(100_000)
  const controller = new AbortController()
  const abort = () => controller.abort()
  // The first request that is not for storing gets no answer.
  let isSilent = stage.way === 'miss'
  const route = await stage.prepare((request, response) => {
    if (isSilent) abort()
    else sending(body)(request, response)
  })
  const event = `undici-streaming-cache:${stage.way === 'hit' ? 'hit' : 'validate'}`
  subscribe(event, abort)
  const asked = stage.caller.ask(route.url, { signal: controller.signal })
  await assert.rejects(asked, { name: 'AbortError' })
  unsubscribe(event, abort)
  if (isSilent) await closed(responseOf(route))
  isSilent = false
  await stage.assertWhole(route, body)
}

/** The origin dies half way, or what is stored turns out damaged half way: an error, and nothing of it is kept. */
async function brokenBody(stage: Stage): Promise<void> {
  const body = randomBytes(HALF_MIB)
  let dies = stage.way === 'miss'
  let isRestDenied = !dies
  const route = await stage.prepare((request, response) => {
    const isRest = request.headers.range !== undefined
    if (!dies && !(isRest && isRestDenied)) return sending(body)(request, response)
    response.setHeader('content-length', body.length).write(body.subarray(0, body.length / 2), () => response.destroy())
  })
  if (!dies) await damage(contentFile(stage, body), 400_000)
  const answer = await stage.ask(route)
  await assert.rejects(answer.bytes(), (error: Error) => {
    const cause = (error.cause ?? error) as Error
    return dies || /damaged/.test(cause.message)
  })
  const wasStored = !dies
  dies = false
  isRestDenied = false
  await stage.assertWhole(route, body, 'miss')
  if (wasStored) await continuedBody(stage)
}

/** What is damaged half way goes on from the origin, which has the same by its strong tag. */
async function continuedBody(stage: Stage): Promise<void> {
  const body = randomBytes(HALF_MIB)
  const route = await stage.prepare(sending(body))
  await damage(contentFile(stage, body), 400_000)
  assertSame(await (await stage.ask(route)).bytes(), body)
  await stage.assertWhole(route, body, 'miss')
}

async function missingFile(stage: Stage): Promise<void> {
  const body = randomBytes(100_000)
  const route = await stage.prepare(sending(body))
  await unlink(contentFile(stage, body))
  const answer = await stage.caller.ask(route.url)
  stage.assertWay(answer, 'miss')
  assertSame(await answer.bytes(), body)
}

/** On a miss the first answer stops in the middle, so that the caller surely leaves before its end. */
function halfOnce(body: Buffer, stage: Stage): Respond {
  let halves = stage.way === 'miss' ? 1 : 0
  return (request, response) => {
    if (halves-- > 0) response.setHeader('content-length', body.length).write(body.subarray(0, body.length / 2))
    else sending(body)(request, response)
  }
}

function responseOf(route: { readonly arrivals: readonly { readonly response: Parameters<typeof closed>[0] }[] }) {
  const arrival = route.arrivals[0]
  assert.ok(arrival, 'the request has reached the origin')
  return arrival.response
}

/** cacache's place for it. */
function contentFile(stage: Stage, body: Buffer): string {
  const digest = createHash('sha256').update(body).digest('hex')
  return join(stage.manager.directory, 'content-v2/sha256', digest.slice(0, 2), digest.slice(2, 4), digest.slice(4))
}

async function damage(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position)
  await file.write(Buffer.of(~(buffer[0] ?? 0) & 0xff), 0, 1, position)
  await file.close()
}
