/** What of a response reaches the caller: status, header fields, body, whatever the API and whoever answers. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { assertSame, WAYS, type Stage, type StageCheck } from './stage.ts'

export const responseChecks: StageCheck[] = [
  wholeBody,
  chunkedBody,
  emptyBody,
  severalLinesOfHeaders,
  reasonPhrase,
  repeatedSetCookie,
  latin1Header,
  gzipCoding,
  headRequest,
  noContent,
  notFound,
  conditionOfTheCaller,
].map((check) => ({ check, ways: WAYS }))

async function wholeBody(stage: Stage): Promise<void> {
  const body = randomBytes(200_000)
  const route = await stage.prepare((_, response) => response.setHeader('content-length', body.length).end(body))
  const answer = await stage.ask(route)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.values('content-length'), ['200000'])
  assertSame(await answer.bytes(), body)
}

async function chunkedBody(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => {
    response.write('one ')
    response.write('two ')
    response.end('three')
  })
  const answer = await stage.ask(route)
  assert.deepEqual(answer.values('content-length'), [])
  assert.equal(String(await answer.bytes()), 'one two three')
}

async function emptyBody(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => response.setHeader('content-length', 0).end())
  const answer = await stage.ask(route)
  assert.equal(answer.status, 200)
  assert.equal((await answer.bytes()).length, 0)
}

async function severalLinesOfHeaders(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => {
    response.setHeader('X-Plain', 'as it was')
    response.setHeader('X-Lines', ['first', 'second'])
    response.setHeader('__proto__', 'a name like any other')
    response.end('.')
  })
  const answer = await stage.ask(route)
  assert.deepEqual(answer.values('x-plain'), ['as it was'])
  assert.equal(answer.values('x-lines').join(', '), 'first, second')
  assert.deepEqual(answer.values('etag'), ['"v1"'])
  assert.equal(answer.values('age').length, stage.way === 'miss' ? 0 : 1)
  assert.equal(answer.values('date').length, 1)
  await answer.bytes()
}

async function reasonPhrase(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => response.writeHead(200, 'Quite Well').end('.'))
  const answer = await stage.ask(route)
  if (answer.statusText !== undefined) assert.equal(answer.statusText, 'Quite Well')
  await answer.bytes()
}

async function repeatedSetCookie(stage: Stage): Promise<void> {
  const cookies = ['a=1; Path=/', 'b=2; Expires=Wed, 01 Jan 2031 00:00:00 GMT']
  const route = await stage.prepare((_, response) => response.setHeader('set-cookie', cookies).end('.'))
  const answer = await stage.ask(route)
  assert.deepEqual(answer.values('set-cookie'), cookies)
  await answer.bytes()
}

async function latin1Header(stage: Stage): Promise<void> {
  const value = 'Grüße, ça va'
  // Node writes a header section in the coding of the text that comes after it: a Buffer has none.
  const route = await stage.prepare((_, response) => response.setHeader('x-latin1', value).end(Buffer.of(1)))
  const answer = await stage.ask(route)
  assert.deepEqual(answer.values('x-latin1'), [value])
  await answer.bytes()
}

async function gzipCoding(stage: Stage): Promise<void> {
  const text = Buffer.from('to be packed '.repeat(10_000))
  const packed = gzipSync(text)
  const route = await stage.prepare((_, response) => response.setHeader('content-encoding', 'gzip').end(packed))
  const answer = await stage.ask(route)
  assert.deepEqual(answer.values('content-encoding'), ['gzip'])
  const body = await answer.bytes()
  assertSame(stage.caller.decodes ? body : gunzipSync(body), text)
}

async function headRequest(stage: Stage): Promise<void> {
  const question = { method: 'HEAD' } as const
  const route = await stage.prepare((_, response) => response.setHeader('content-length', 4_321).end(), question)
  const answer = await stage.ask(route, question)
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.values('content-length'), ['4321'])
  assert.equal((await answer.bytes()).length, 0)
}

async function noContent(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => response.writeHead(204).end())
  const answer = await stage.ask(route)
  assert.equal(answer.status, 204)
  assert.equal((await answer.bytes()).length, 0)
}

async function notFound(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => response.writeHead(404).end('nothing here'))
  const answer = await stage.ask(route)
  assert.equal(answer.status, 404)
  assert.equal(String(await answer.bytes()), 'nothing here')
}

/** The caller has a copy of its own and asks about that: whatever is stored here, the origin's 304 is for the caller. */
async function conditionOfTheCaller(stage: Stage): Promise<void> {
  const route = await stage.prepare((_, response) => response.end('.'))
  const answer = await stage.caller.ask(route.url, { headers: { 'if-none-match': '"v1"' } })
  assert.equal(answer.status, 304)
  assert.equal((await answer.bytes()).length, 0)
}
