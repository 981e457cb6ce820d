/** What an interface of the sources has, read from its text: names, types, and what is said of each member. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SRC = join(import.meta.dirname, '../../src')

export interface Member {
  readonly name: string
  readonly type: string
  /** What stands before it, and before its interface. */
  readonly comment: string
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(SRC, file), 'utf8'))

const COMMENT = String.raw`(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?`

/** All members, those of the interfaces that it extends among them. */
export function membersOf(name: string): Member[] {
  const declaration = new RegExp(`${COMMENT}^export interface ${name}\\b([^{]*)\\{\\n([^]*?)^\\}`, 'm')
  const found = sources.map((source) => declaration.exec(source)).find((match) => match !== null)
  if (found == null) throw new Error(`There is no interface ${name} in src`)
  const [, about = '', head = '', body = ''] = found
  const bases = /extends (.*)/.exec(head)?.[1]?.split(',') ?? []
  const own = Array.from(
    body.matchAll(new RegExp(String.raw`(?:^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?^ {2}readonly (\w+)\??: (.+)$`, 'gm')),
    ([, comment = '', member = '', type = '']) => ({ name: member, type, comment: plain(`${comment} ${about}`) }),
  )
  return [...own, ...bases.flatMap((base) => membersOf(base.trim()))]
}

/** Without the stars and breaks of a comment's lines. */
function plain(comment: string): string {
  return comment.replaceAll(/\s*\n\s*\*\s?/g, ' ').trim()
}
