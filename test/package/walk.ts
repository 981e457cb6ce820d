/**
 * The way of a user who has never seen the package: the section "In ten minutes" of README.md, block by block, in a clean
 * folder. Files and commands are the README's own; what it says that a command prints must be printed.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, dirname, join } from 'node:path'

const README = join(import.meta.dirname, '../../README.md')
const SECTION = 'In ten minutes'
const PLACEHOLDER = 'https://example.com'
const TIMEOUT_MS = 60_000

export interface Walk {
  /** An empty folder. */
  readonly folder: string
  /** The packed package, and the undici beside it. */
  readonly tarball: string
  readonly undici: string
}

/** Resolves with how many commands it took. */
export async function walk({ folder, tarball, undici }: Walk): Promise<number> {
  const origin = await startShop()
  const { port } = origin.address() as AddressInfo
  const here = (text: string) => text.replaceAll(PLACEHOLDER, `http://127.0.0.1:${port}`)
  let commands = 0
  try {
    for (const { language, text } of await blocksOfSection()) {
      if (language === 'js') {
        const [, name] = /^\/\/ (\S+)\n/.exec(text) ?? []
        assert.ok(name, 'a program without a name')
        await writeFile(join(folder, name), text)
        continue
      }
      for (const { command, printed } of commandsOf(text)) {
        commands++
        const installed = command.replace(/\bundici-streaming-cache undici$/, `'${tarball}' 'undici@${undici}'`)
        const output = await shell(command.startsWith('npm install ') ? installed : here(command), folder)
        const isPrinted = (line: string) => withoutChance(output).includes(withoutChance(here(line)))
        for (const line of printed) assert.ok(isPrinted(line), `${command}\ndoes not print\n${line}\nbut\n${output}`)
      }
    }
    assert.match(await readFile(join(folder, 'cache-report.html'), 'utf8'), /^<!doctype html>/)
    assert.ok(commands >= 9, `only ${commands} commands were found`)
    return commands
  } finally {
    origin.close()
    origin.closeAllConnections()
  }
}

/** What the README's URLs stand for: a product that may be kept, and an account that is its user's own. */
async function startShop(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/account') response.setHeader('cache-control', 'private, max-age=60').end('yours')
    else response.writeHead(200, { 'cache-control': 'max-age=600', 'cache-tag': 'shop, product-17' }).end('A product')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

interface Block {
  readonly language: string
  readonly text: string
}

async function blocksOfSection(): Promise<Block[]> {
  const readme = await readFile(README, 'utf8')
  const [, section = ''] = new RegExp(`^## ${SECTION}\\n([^]*?)^## `, 'm').exec(readme) ?? []
  return Array.from(section.matchAll(/^```(\w+)\n([^]*?)^```/gm), ([, language = '', text = '']) => ({
    language,
    text,
  }))
}

/** A command, and in the comments below it what it prints. */
function commandsOf(text: string): { readonly command: string; readonly printed: string[] }[] {
  const found: { command: string; printed: string[] }[] = []
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('# ')) found.at(-1)?.printed.push(line.slice(2))
    else found.push({ command: line, printed: [] })
  }
  return found
}

/** Ages, what is left of a lifetime, sizes and process ids differ from one run to the next; and columns in their width. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/\d+(?:\.\d+)?(?= (?:s|min|KiB|seconds?)\b)/g, 'N')
    .replaceAll(/(?<=ttl=|-CACHE )\d+/g, 'N')
    .replaceAll(/\s+/g, ' ')
}

/** With this Node before any other, and with no package but those that are here already. */
async function shell(command: string, cwd: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
    npm_config_prefer_offline: 'true',
    npm_config_ignore_scripts: 'true',
    npm_config_yes: 'false',
  }
  return await new Promise((resolve, reject) => {
    execFile('sh', ['-c', command], { cwd, env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const output = `${stdout}\n${stderr}`
      if (error === null) resolve(output)
      else reject(new Error(`${command}\n${output}`, { cause: error }))
    })
  })
}
