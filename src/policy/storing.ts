/** Storing responses in caches (RFC 9111 section 3). */
import { isWhole, listedFields, requestDirectives, responseDirectives, type Directives } from './cache-control.ts'
import { freshnessLifetime } from './freshness.ts'
import { fieldValue, listedNames, listMembers } from './field-lines.ts'
import { forbidsStale } from './reuse.ts'
import { hasExplicitLifetime, maySharePerAuthorization } from './semantics.ts'
import { HEURISTICALLY_CACHEABLE, isUnderstood } from './status.ts'
import { RememberedByText } from './remembered.ts'
import { effectiveFields } from './targeted.ts'
import { variantOf, varyNames } from './vary.ts'
import type { CacheRequest, PolicySettings, ResponseHead, Steered } from './cache-request.ts'
import type { FieldLines, StoredBody, StoredResponse } from '../stored-response.ts'

/** Why a response is not stored. */
export type Refusal =
  | 'status' // not final, partial, or not one that may be stored without an explicit lifetime
  | 'no-store' // the request or the response forbids it
  | 'private' // a shared cache, and a response for a single user
  | 'authorization' // a shared cache, and a response to credentials without leave to store it
  | 'cookie' // a shared cache, and a response to a Cookie that does not say that it is for everybody
  | 'set-cookie' // a shared cache, and a response that sets one
  | 'vary' // Vary can never match
  | 'useless' // never fresh, and no validator to validate it with
  | 'rule' // a rule of the user's

/** Everything of a stored response but its body. */
export type StoredHead = Omit<StoredResponse, 'body'>

export interface Times {
  /** When the request was sent, in milliseconds since the epoch. */
  readonly requestTime: number
  /** When the response's header section arrived. */
  readonly responseTime: number
}

/** The record to store for this response, or why there is none. */
export function headToStore(
  request: CacheRequest,
  response: ResponseHead,
  times: Times,
  settings: PolicySettings,
): StoredHead | Refusal {
  const steered = settings.steer?.(request, response)
  const refusal = whyNotStore(request, response, times, settings, steered)
  if (refusal === 'rule') return refusal
  const isAgainstRules = refusal !== undefined && request.mode === 'ignore-rules' && response.statusCode === 200
  if (refusal !== undefined && !isAgainstRules) return refusal
  const vary = varyNames(response.fields)
  if (vary === undefined) return 'vary'
  const head: StoredHead = {
    key: request.key,
    variant: variantOf(vary, request.fields),
    vary,
    statusCode: response.statusCode,
    statusMessage: response.statusMessage,
    fields: storedFields(response.fields, times.responseTime, settings.shared ? 'shared' : 'private'),
    // What the rules forbid is kept from those who go by them.
    scope: settings.shared && !isAgainstRules ? 'shared' : 'private',
    requestTime: times.requestTime,
    responseTime: times.responseTime,
  }
  const terms = steered?.terms
  const withTerms = terms === undefined ? head : { ...head, terms }
  return request.mode === 'ignore-rules' || isUseful(withTerms, settings) ? withTerms : 'useless'
}

function whyNotStore(
  request: CacheRequest,
  response: ResponseHead,
  times: Times,
  settings: PolicySettings,
  steered: Steered | undefined,
): Refusal | undefined {
  const { statusCode } = response
  if (steered?.refuses) return 'rule'
  const { shared } = settings
  const fields = effectiveFields(response.fields, settings.targets)
  const directives = responseDirectives(fields)
  if (requestDirectives(request.fields).has('no-store')) return 'no-store'
  // "the response status code is final", and 206 and 304 only by caches that understand them.
  if (statusCode < 200 || statusCode === 206 || statusCode === 304) return 'status'
  // Section 5.2.2.3: a cache that understands the status "SHOULD ignore" no-store beside must-understand.
  const mustUnderstand = directives.has('must-understand')
  if (mustUnderstand && !isUnderstood(statusCode)) return 'status'
  if (directives.has('no-store') && !mustUnderstand) return 'no-store'
  // "if the cache is shared: the private response directive is either not present"
  if (shared && isWhole(directives, 'private')) return 'private'
  const input = { directives, fields, responseTime: times.responseTime, shared }
  // "if the cache is shared: the Authorization header field is not present in the request … or a response directive is
  // present that explicitly allows shared caching" (section 3.5)
  const authorized = request.fields['authorization'] ?? request.fields['proxy-authorization']
  if (shared && authorized !== undefined && !maySharePerAuthorization(input)) return 'authorization'
  // "the response contains at least one of the following": public, private "if the cache is not shared", Expires,
  // max-age, s-maxage, a status "that is defined as heuristically cacheable"
  const allows = directives.has('public') || (!shared && directives.has('private')) || hasExplicitLifetime(input)
  if (!allows && !HEURISTICALLY_CACHEABLE.has(statusCode) && steered?.allowsStatus !== true) return 'status'
  return shared ? whyNotShare(request, fields, directives) : undefined
}

/** What becomes of a stored response that is to be updated: it is, it stays as it was, or it goes. */
export type Update = 'keep' | 'leave' | 'drop'

/**
 * An update stores fields of a new response, so what forbids storing that one forbids the update: `no-store`, and in a
 * shared cache credentials and `private`. What forbids it in the request says nothing about what is stored.
 */
export function updateOf(updated: StoredResponse, request: CacheRequest, settings: PolicySettings): Update {
  if (requestDirectives(request.fields).has('no-store')) return 'leave'
  const steered = settings.steer?.(request, updated)
  const refusal = whyNotStore(request, updated, updated, { ...settings, shared: updated.scope === 'shared' }, steered)
  if (refusal === undefined) return 'keep'
  // Stored against the rules, and seen by those only who know none.
  if (refusal !== 'rule' && request.mode === 'ignore-rules' && updated.scope === 'private') return 'keep'
  return refusal === 'authorization' || refusal === 'cookie' ? 'leave' : 'drop'
}

/**
 * What the RFC leaves open and a shared cache must not get wrong: "other than Set-Cookie … does not inhibit caching"
 * (section 7.3) is for origins that know it. Here an explicit `public` or `s-maxage` is asked for.
 */
function whyNotShare(request: CacheRequest, fields: FieldLines, directives: Directives): Refusal | undefined {
  if (directives.has('public') || directives.has('s-maxage')) return undefined
  if (fieldValue(fields, 'set-cookie') !== undefined) return 'set-cookie'
  if (request.fields['cookie'] !== undefined && !listedNames(fields, 'vary').includes('cookie')) return 'cookie'
  return undefined
}

/**
 * RFC 9110 section 9.3.3: a response to POST that states its freshness and has "a Content-Location header field that has
 * the same value as the POST's target URI" can answer later GETs.
 */
export function answersGet(
  method: string,
  target: string,
  { statusCode, fields }: ResponseHead,
  shared: boolean,
): boolean {
  if (method !== 'POST' || statusCode !== 200) return false
  const location = fieldValue(fields, 'content-location')
  if (location === undefined || URL.parse(location, target)?.href !== URL.parse(target)?.href) return false
  return hasExplicitLifetime({ directives: responseDirectives(fields), fields, responseTime: 0, shared })
}

const NO_BODY: StoredBody = { size: 0, sha256: '', checksums: [] }

function isUseful(head: StoredHead, settings: PolicySettings): boolean {
  if (hasValidator(head.fields)) return true
  const { staleIfError = 0, staleWhileRevalidate = 0 } = head.terms ?? {}
  if (staleIfError + staleWhileRevalidate > 0 && !forbidsStale(directivesOf(head.fields, settings), settings))
    return true
  const stored: StoredResponse = { ...head, body: NO_BODY }
  return freshnessLifetime(stored, settings) > 0 && !mustBeValidated(head.fields, settings)
}

/** Section 5.2.2.4: it answers nothing "without forwarding it for validation and receiving a successful response". */
export function mustBeValidated(fields: FieldLines, settings: PolicySettings): boolean {
  return isWhole(directivesOf(fields, settings), 'no-cache')
}

function directivesOf(fields: FieldLines, settings: PolicySettings): Directives {
  return responseDirectives(effectiveFields(fields, settings.targets))
}

function hasValidator(fields: FieldLines): boolean {
  return fieldValue(fields, 'etag') !== undefined || fieldValue(fields, 'last-modified') !== undefined
}

/** Fields of one connection or one hop, "stored" by nobody (section 3.1 and RFC 9110 section 7.6.1). */
const NEVER_STORED = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
]

/**
 * Fields that are not stored from this response: those above, what its Connection field lists, what its `no-cache` lists
 * (it would have to be validated for each use: section 5.2.2.4), and in a shared cache what its `private` lists.
 */
function neverStored(fields: FieldLines, scope: StoredResponse['scope']): ReadonlySet<string> {
  const ofConnection = fieldValue(fields, 'connection') ?? ''
  const ofHop = ofHops.get(ofConnection) ?? ofHops.set(ofConnection, namesOfHop(ofConnection))
  const directives = responseDirectives(fields)
  const withoutCache = listedFields(directives, 'no-cache')
  const ofUser = scope === 'shared' ? listedFields(directives, 'private') : undefined
  return (withoutCache ?? ofUser) ? new Set([...ofHop, ...(withoutCache ?? []), ...(ofUser ?? [])]) : ofHop
}

/** By the Connection field: servers say the same few things in it. */
const ofHops = new RememberedByText<ReadonlySet<string>>()

function namesOfHop(connection: string): ReadonlySet<string> {
  return new Set([...NEVER_STORED, ...listMembers(connection.toLowerCase())])
}

/** Section 3.1: all fields, also unknown ones, in order, but for those; and a Date (RFC 9110 section 6.6.1). */
export function storedFields(
  fields: FieldLines,
  responseTime: number,
  scope: StoredResponse['scope'] = 'private',
): FieldLines {
  const dropped = neverStored(fields, scope)
  const kept: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] as string
    if (!dropped.has(name.toLowerCase())) kept.push(name, fields[i + 1] as string)
  }
  if (fieldValue(kept, 'date') === undefined) kept.push('date', new Date(responseTime).toUTCString())
  return kept
}
