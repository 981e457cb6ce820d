/**
 * The command line: in this process, which is fast, or as a user runs it (`spawnCli`), which takes the built package.
 * `npm run build` before.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { run } from '../../src/cli/program.ts'
import { storePut } from '../../src/manager/put.ts'
import { engineOf, StreamingManager } from '../../src/manager/streaming-manager.ts'
import type { ManagerOptions, PutResponse } from '../../src/index.ts'
import { temporaryDirectory } from './directory.ts'

const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string
  readonly signal?: AbortSignal
  /** Standard error is a terminal. */
  readonly isTTY?: boolean
  /** Called when something is written there. */
  readonly onStderr?: () => void
}

export async function runCli(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const stdout = new Collector()
  const stderr = Object.assign(new Collector(options.onStderr), { isTTY: options.isTTY === true })
  const stdin = Readable.from(options.input === undefined ? [] : [options.input])
  const signal = options.signal ?? new AbortController().signal
  const code = await run(args, { stdin, stdout, stderr, signal })
  await new Promise<void>((resolve) => stdout.end(resolve))
  await new Promise<void>((resolve) => stderr.end(resolve))
  return { code, stdout: stdout.text, stderr: stderr.text }
}

class Collector extends Writable {
  readonly #chunks: Buffer[] = []
  readonly #onWrite: (() => void) | undefined

  constructor(onWrite?: () => void) {
    super()
    this.#onWrite = onWrite
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: () => void): void {
    this.#chunks.push(chunk)
    this.#onWrite?.()
    // Later, as a pipe does.
    setImmediate(callback)
  }
}

export interface SpawnOptions {
  readonly env?: Record<string, string>
  readonly cwd?: string
}

export function startCli(args: readonly string[], options: SpawnOptions = {}): ChildProcessWithoutNullStreams {
  // What this process has in its environment is not the test's.
  const { UNDICI_STREAMING_CACHE_DIR: _, ...env } = process.env
  return spawn(process.execPath, [MAIN, ...args], { env: { ...env, ...options.env }, cwd: options.cwd })
}

export async function spawnCli(args: readonly string[], options: SpawnOptions = {}): Promise<Run & { bytes: Buffer }> {
  const child = startCli(args, options)
  child.stdin.end()
  const ended = once(child, 'close')
  const [bytes, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr)])
  const [code] = (await ended) as [number | null]
  return { code, stdout: bytes.toString(), stderr, bytes }
}

export type Seed = Readonly<Record<string, PutResponse>>

/** A directory with these responses by key, as they are given: also keys that no request would have. */
export async function seeded(seed: Seed, options: ManagerOptions = {}): Promise<string> {
  const directory = await temporaryDirectory()
  await seedInto(directory, seed, options)
  return directory
}

export async function seedInto(directory: string, seed: Seed, options: ManagerOptions = {}): Promise<void> {
  await using manager = await StreamingManager.open(directory, options)
  for (const [key, response] of Object.entries(seed)) await storePut(engineOf(manager), key, response)
}
