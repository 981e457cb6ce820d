/**
 * What must not be shown: credentials in URLs and headers. Output ends up in tickets, chats and logs; whoever wants to
 * see all says `--reveal`. And what must not reach a terminal as it is: control characters, which a header may contain.
 */
import type { JsonValue } from '../manager/views.ts'
import type { FieldsByName } from '../policy/field-lines.ts'

const REDACTED = 'REDACTED'

/** Field names whose values are credentials, or may be. */
const SECRET_FIELD =
  /cookie|authori[sz]ation|authentication-info|token|secret|api-?key|passw|credential|session|csrf|xsrf|^x-auth/
/** Names of query parameters whose values are. */
const SECRET_PARAMETER =
  /token|secret|passw|pwd|signature|credential|session|jwt|api-?_?key|access-?_?key|auth(?!or(?!i))|^(?:key|sig|code|sid|pass|pin|otp|nonce)$/
/** A name, `=` and a value, wherever they stand in a text: in a URL, in a Link header, in a fragment. */
const PARAMETER = /([?&;#])([^=?&;#\s"'<>]{1,200})=([^&;#\s"'<>]*)/g
const USER_INFO = /\/\/[^/?#\s"'<>]*@/g
const JSON_WEB_TOKEN = /\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*/g
const SCHEME = /\b(Bearer|Basic|Digest|Negotiate)\s+[\w+/=.~-]{6,}/gi

/** A text that may contain URLs, such as a URL, an entry's key or the value of Location. */
export function redactText(text: string): string {
  return text
    .replaceAll(USER_INFO, `//${REDACTED}@`)
    .replaceAll(PARAMETER, (whole, before: string, name: string) =>
      isSecretParameter(name) ? `${before}${name}=${REDACTED}` : whole,
    )
    .replaceAll(JSON_WEB_TOKEN, REDACTED)
    .replaceAll(SCHEME, `$1 ${REDACTED}`)
}

/** `%74oken` is `token` to the server; a partition is the name of a user or of a set of credentials. */
function isSecretParameter(name: string): boolean {
  let decoded = name
  try {
    decoded = decodeURIComponent(name)
  } catch {
    // Malformed: judged as it stands.
  }
  const lower = decoded.toLowerCase()
  return lower === 'partition' || SECRET_PARAMETER.test(lower)
}

export function redactFields(fields: FieldsByName): FieldsByName {
  const redacted = Object.entries(fields).map(([name, value]): [string, string | string[]] => {
    const redact = SECRET_FIELD.test(name) ? () => REDACTED : redactText
    return [name, Array.isArray(value) ? value.map((line) => redact(line)) : redact(value)]
  })
  return Object.fromEntries(redacted)
}

/** What a user has noted: by the names of its properties, and what its texts say. */
export function redactJson(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(redactJson)
  const redacted = Object.entries(value).map(([name, inner]): [string, JsonValue] => {
    const isSecret = SECRET_FIELD.test(name.toLowerCase()) || isSecretParameter(name)
    return [name, isSecret ? REDACTED : redactJson(inner)]
  })
  return Object.fromEntries(redacted)
}

/** `Array.isArray` does not know of lists that are only read. */
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** Control and format characters made visible: they would move the cursor, hide text, or worse. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = (character.codePointAt(0) as number).toString(16)
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`
  })
}

/** JSON that a terminal may show: what JSON leaves as it is and `visible` would not is escaped. */
export function toJson(value: unknown, space?: number): string {
  return JSON.stringify(value, undefined, space).replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
