/** Stored responses as the commands show them: for programs with `--json`, and in words. */
import { diskSize } from '../manager/disk-use.ts'
import type { JsonValue } from '../manager/views.ts'
import type { PolicySettings } from '../policy/cache-request.ts'
import { explainFreshness, type Freshness } from '../policy/explanation.ts'
import { fieldsByName, firstLine, type FieldsByName } from '../policy/field-lines.ts'
import { entryKey, listOfChecksums, type StoredResponse } from '../stored-response.ts'
import { redactFields, redactJson, redactText } from './redaction.ts'
import type { Session } from './session.ts'
import { humanDuration } from './units.ts'

/** Whose cache it is to be looked at as: what is fresh for one user may not be for several. */
export type CacheType = 'shared' | 'private'

export interface EntryView {
  /** Names the entry among all. */
  readonly key: string
  readonly method: string
  readonly url: string
  readonly statusCode: number
  readonly contentType: string | undefined
  /** Bytes of the body, and on disk. */
  readonly bodySize: number
  readonly diskSize: number
  readonly state: Freshness['state']
  /** Seconds. */
  readonly age: number
  readonly lifetime: number
  readonly freshUntil: string
  readonly respondedAt: string
}

export interface DetailedView extends EntryView {
  readonly statusMessage: string
  readonly scope: StoredResponse['scope']
  readonly vary: readonly string[]
  readonly variant: string
  readonly headers: FieldsByName
  readonly tags: readonly string[]
  /** What the user's own program has noted with it, where it has. */
  readonly metadata: JsonValue | undefined
  readonly requestedAt: string
  readonly sha256: string
  readonly chunks: number
  readonly reasons: readonly string[]
}

export function policySettings(type: CacheType): PolicySettings {
  return {
    shared: type === 'shared',
    cacheByDefault: undefined,
    staleWhenUnreachable: true,
    targets: [],
    noVarySearch: false,
  }
}

/** A planted key may have spaces in other places than after its method. */
export function splitKey(key: string): { readonly method: string; readonly url: string } {
  const [, method = 'GET', url = key] = /^([A-Z]+) (.*)$/s.exec(key) ?? []
  return { method, url }
}

/** A text that may name credentials, as this session shows it. */
export function shown(session: Session, text: string): string {
  return session.isRevealing ? text : redactText(text)
}

export function shownFields(session: Session, fields: FieldsByName): FieldsByName {
  return session.isRevealing ? fields : redactFields(fields)
}

function shownMetadata(session: Session, { metadata }: StoredResponse): JsonValue | undefined {
  if (metadata === undefined) return undefined
  const value = JSON.parse(metadata) as JsonValue
  return session.isRevealing ? value : redactJson(value)
}

export function viewEntry(session: Session, stored: StoredResponse, type: CacheType): EntryView {
  const { state, age, lifetime, freshUntil } = explainFreshness(stored, policySettings(type), session.now)
  const { method, url } = splitKey(stored.key)
  return {
    key: shown(session, entryKey(stored.key, stored.variant)),
    method,
    url: shown(session, url),
    statusCode: stored.statusCode,
    contentType: firstLine(stored.fields, 'content-type'),
    bodySize: stored.body.size,
    diskSize: diskSize(stored),
    state,
    age,
    lifetime,
    freshUntil: isoTime(freshUntil),
    respondedAt: isoTime(stored.responseTime),
  }
}

export function viewDetails(session: Session, stored: StoredResponse, type: CacheType): DetailedView {
  return {
    ...viewEntry(session, stored, type),
    statusMessage: stored.statusMessage,
    scope: stored.scope,
    vary: stored.vary,
    variant: stored.variant,
    headers: shownFields(session, fieldsByName(stored.fields)),
    tags: (stored.tags ?? []).map((tag) => shown(session, tag)),
    metadata: shownMetadata(session, stored),
    requestedAt: isoTime(stored.requestTime),
    sha256: stored.body.sha256,
    chunks: listOfChecksums(stored.body).length,
    reasons: explainFreshness(stored, policySettings(type), session.now).reasons,
  }
}

/** Such as `fresh for another 5 min`. */
export function describeState({ state, lifetime, age }: Pick<EntryView, 'state' | 'lifetime' | 'age'>): string {
  if (state === 'validate') return 'validated before each use'
  const left = lifetime - age
  return state === 'fresh' ? `fresh for another ${humanDuration(left)}` : `stale for ${humanDuration(left)}`
}

/** Times in a planted record can be anything. */
export function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? 'never' : date.toISOString()
}
