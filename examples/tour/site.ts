/** What the tour's origin serves: files of several sizes, with the caching headers that make each way of answering. */
import { createHash } from 'node:crypto'
import { copyFile, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Resource, Resources } from '../origin.ts'

export interface Site {
  readonly resources: Resources
  /** Paths of what may be stored, from small to large. */
  readonly files: readonly string[]
  /** sha256 of what the origin sends now for a path and request headers. */
  digest(path: string, headers: Headers): string
  /** Puts another text under /news. */
  publishNews(): void
}

const ROOT = join(import.meta.dirname, '../..')
const PHOTO_BYTES = 5_000_000
const VIDEO_BYTES = 60_000_000

/** `directory` takes the larger files. */
export async function makeSite(directory: string): Promise<Site> {
  const path = (name: string): string => join(directory, name)
  await copyFile(join(ROOT, 'LICENSE'), path('LICENSE'))
  await copyFile(join(ROOT, 'package-lock.json'), path('package-lock.json'))
  const digests = new Map<string, string>([
    ['/LICENSE', sha256(await readFile(path('LICENSE')))],
    ['/package-lock.json', sha256(await readFile(path('package-lock.json')))],
    ['/photo', await makeFile(path('photo'), PHOTO_BYTES)],
    ['/video', await makeFile(path('video'), VIDEO_BYTES)],
  ])

  const text = (body: string, headers: Record<string, string>): Resource => {
    return { body, headers: { 'content-type': 'text/plain', etag: `"${sha256(body).slice(0, 12)}"`, ...headers } }
  }
  const file = (name: string, headers: Record<string, string>): Resource => ({ body: { file: path(name) }, headers })
  const greetings = { en: 'Good morning!', de: 'Guten Morgen!' }
  const greet = (language: string | null | undefined): string => greetings[language === 'de' ? 'de' : 'en']
  const news = (body: string): Resource => text(body.repeat(1000), { 'cache-control': 'max-age=3600' })

  const resources: Resources = {
    '/LICENSE': file('LICENSE', { 'cache-control': 'max-age=600', etag: '"license-1"' }),
    '/package-lock.json': file('package-lock.json', { 'cache-control': 'max-age=86400', etag: '"lock-1"' }),
    '/news': news('Nothing new. '),
    '/photo': file('photo', { 'cache-control': 'max-age=7200', 'last-modified': 'Mon, 02 Nov 2026 08:00:00 GMT' }),
    '/video': file('video', { 'cache-control': 'public, max-age=604800, immutable', etag: '"video-1"' }),
    '/greeting': ({ headers }) => {
      const body = greet(headers['accept-language'])
      return text(body, { 'cache-control': 'max-age=3600', vary: 'Accept-Language' })
    },
    '/account': text('Your balance is 42.', { 'cache-control': 'no-store' }),
    '/mail': text('You have mail.', { 'cache-control': 'private, max-age=60' }),
  }
  return {
    resources,
    files: ['/LICENSE', '/news', '/package-lock.json', '/photo', '/video'],
    digest(path, headers) {
      if (path === '/greeting') return sha256(greet(headers.get('accept-language')))
      const resource = resources[path]
      const body = typeof resource === 'object' ? resource.body : undefined
      return typeof body === 'string' ? sha256(body) : (digests.get(path) ?? '')
    },
    publishNews() {
      resources['/news'] = news('Something new! ')
    },
  }
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

/** A file whose pieces all differ, so that one out of place shows. Resolves with its sha256. */
async function makeFile(path: string, size: number): Promise<string> {
  const hash = createHash('sha256')
  await using file = await open(path, 'w')
  for (let position = 0; position < size;) {
    const piece = Buffer.alloc(Math.min(1_000_000, size - position), `byte ${position} `)
    hash.update(piece)
    await file.write(piece)
    position += piece.length
  }
  return hash.digest('hex')
}
