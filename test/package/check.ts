/**
 * The package as a user gets it: packed, linted, installed into empty folders and used there (`npm run check:package`).
 * Says line by line what it did; the exit code is not 0 when anything failed, and nothing stays behind.
 */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { startLargeOrigin, type LargeOrigin } from './large-origin.ts'
import { runNode, runNpm } from './run.ts'
import { walk } from './walk.ts'

const LARGE_BYTES = 100_000_000
const ROOT = join(import.meta.dirname, '../..')
const CONSUMERS = join(import.meta.dirname, 'consumers')
const require = createRequire(import.meta.url)

interface Flavour {
  readonly name: string
  /** What is installed beside the tarball and the types of Node. */
  readonly packages: readonly string[]
  readonly consumer: 'with-undici.ts' | 'without-undici.ts'
  readonly compilerOptions: object
}

const { undici, undici7, '@opentelemetry/api': otel } = manifest.devDependencies
const FLAVOURS: readonly Flavour[] = [
  // The default `lib` has the DOM, so both worlds' `Response` are seen.
  {
    name: 'undici 8',
    packages: [`undici@${undici}`, `@opentelemetry/api@${otel}`],
    consumer: 'with-undici.ts',
    compilerOptions: {},
  },
  {
    name: 'undici 7',
    packages: [undici7.replace('npm:', ''), `@opentelemetry/api@${otel}`],
    consumer: 'with-undici.ts',
    compilerOptions: { exactOptionalPropertyTypes: true },
  },
  { name: 'no undici', packages: [], consumer: 'without-undici.ts', compilerOptions: { lib: ['es2022'] } },
]

const folder = await mkdtemp(join(tmpdir(), 'usc-package-'))
try {
  const tarball = await step('npm pack', async () => await pack())
  await step('publint', async () => {
    await runNode([binary('publint'), 'run', tarball, '--strict'], folder)
  })
  await step('are the types wrong? (ESM only)', async () => {
    await runNode([binary('@arethetypeswrong/cli', 'attw'), tarball, '--profile', 'esm-only', '--no-emoji'], folder)
  })
  await step('the README in ten minutes, in a clean folder', async () => {
    const clean = join(folder, 'walk')
    await mkdir(clean)
    return `${await walk({ folder: clean, tarball, undici })} commands`
  })
  for (const flavour of FLAVOURS) await checkFlavour(flavour, tarball)
  await checkLarge()
  await checkProgram()
  console.log('package: ok')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Runs one check and says how it went; its result, when it is a string, is shown. */
async function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const result = await run().catch((error: unknown) => {
    console.log(`FAILED  ${name}`)
    throw error
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const shown = typeof result === 'string' ? result.replace(folder, '').trim() : ''
  console.log(`ok  ${seconds.padStart(5)} s  ${name}${shown === '' ? '' : `: ${shown}`}`)
  return result
}

async function pack(): Promise<string> {
  await runNpm(['pack', '--pack-destination', folder], ROOT)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball, 'npm pack wrote no tarball')
  return join(folder, tarball)
}

/** The program of a development dependency. */
function binary(packageName: string, program = packageName): string {
  const path = join(ROOT, 'node_modules', packageName, 'package.json')
  const { bin } = require(path) as { bin: string | Record<string, string> }
  const relative = typeof bin === 'string' ? bin : bin[program]
  assert.ok(relative, `${packageName} has no program ${program}`)
  return join(path, '..', relative)
}

function folderOf({ name }: Flavour): string {
  return join(folder, name.replace(' ', '-'))
}

/** Installed into an empty folder: no foreign types in our declarations, compiles there, runs by import and require. */
async function checkFlavour(flavour: Flavour, tarball: string): Promise<void> {
  const { name, packages, consumer, compilerOptions } = flavour
  const cwd = folderOf(flavour)
  await step(`${name}: npm install into an empty folder`, async () => {
    await mkdir(cwd)
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    const types = `@types/node@${manifest.devDependencies['@types/node']}`
    await runNpm(['install', '--prefer-offline', '--ignore-scripts', tarball, types, ...packages], cwd)
    await Promise.all([consumer, 'required.cjs', 'large.ts'].map((file) => cp(join(CONSUMERS, file), join(cwd, file))))
    const installed = await readdir(join(cwd, 'node_modules'))
    assert.equal(installed.includes('undici'), packages.length > 0, `undici is there or not: ${installed.join(' ')}`)
  })
  await step(`${name}: the declarations import nothing but each other and Node`, async () => {
    await checkImports(join(cwd, 'node_modules', manifest.name, 'dist'))
  })
  await step(`${name}: a consumer compiles, strict, skipLibCheck false`, async () => {
    const options = { module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: false, noEmit: true }
    const config = {
      compilerOptions: { ...options, types: ['node'], ...compilerOptions },
      files: [consumer, 'large.ts'],
    }
    await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify(config))
    await runNode([binary('typescript', 'tsc'), '-p', 'tsconfig.json'], cwd)
  })
  await step(`${name}: runs by import`, async () => await runNode([consumer], cwd))
  await step(`${name}: runs by require()`, async () => await runNode(['required.cjs'], cwd))
}

async function checkImports(dist: string): Promise<void> {
  // The program's are nobody's to import.
  const isPublic = (file: string) => file.endsWith('.d.ts') && !file.startsWith('cli')
  const files = (await readdir(dist, { recursive: true })).filter(isPublic)
  assert.ok(files.includes('index.d.ts'), 'no index.d.ts')
  for (const file of files) {
    const text = await readFile(join(dist, file), 'utf8')
    for (const [, specifier = ''] of text.matchAll(/(?:from|import\(|import)\s*['"]([^'"]+)['"]/g)) {
      const isGranted = file.startsWith('otel') && specifier === '@opentelemetry/api'
      if (!isGranted) assert.match(specifier, /^(?:\.{1,2}\/|node:)/, `${file} imports types of ${specifier}`)
    }
  }
}

/** The program by `npx`, on the directory that the large body lies in. */
async function checkProgram(): Promise<void> {
  const cwd = join(folder, 'no-undici')
  const run = async (...args: string[]) =>
    await runNpm(['exec', '--offline', '--no', '--', manifest.name, ...args, '--dir', join(folder, 'cache')], cwd)
  await step('npx: ls, stats and verify', async () => {
    const listed = JSON.parse(await run('ls', '--json')) as { bodySize: number }
    assert.equal(listed.bodySize, LARGE_BYTES)
    assert.match(await run('stats'), /1 entry of 1 URL/)
    return await run('verify')
  })
  await step('npx: report', async () => {
    const page = await run('report', '--output', '-')
    assert.match(page, /^<!doctype html>/)
    return `${page.length} characters`
  })
}

interface Fetched {
  readonly status: string
  readonly size: number
  readonly sha256: string
  readonly seconds: number
}

/** A large body by Node's own fetch: a miss once, then hits, also in a new process, byte for byte. */
async function checkLarge(): Promise<void> {
  const origin = await startLargeOrigin(LARGE_BYTES)
  try {
    const runs = [
      { times: 3, expected: ['fwd=uri-miss; stored', 'hit', 'hit'] },
      { times: 2, expected: ['hit', 'hit'] },
    ]
    for (const [i, { times, expected }] of runs.entries()) {
      await step(`100 MB by fetch(), process ${i + 1}`, async () => await fetchLarge(origin, times, expected))
    }
    assert.equal(origin.requests, 1, `the origin was asked ${origin.requests} times`)
  } finally {
    origin.close()
  }
}

async function fetchLarge(origin: LargeOrigin, times: number, expected: readonly string[]): Promise<string> {
  const cwd = join(folder, 'no-undici')
  const output = await runNode(['large.ts', join(folder, 'cache'), origin.url, String(times)], cwd)
  const answers = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Fetched)
  const whats = answers.map(({ status }) => status.replace('undici-streaming-cache; ', '').replace(/; ttl=\d+$/, ''))
  assert.deepEqual(whats, expected)
  for (const { size, sha256 } of answers) assert.deepEqual([size, sha256], [LARGE_BYTES, origin.sha256])
  const parts = answers.map(({ seconds }, i) => `${expected[i]} ${(LARGE_BYTES / 1e6 / seconds).toFixed(0)} MB/s`)
  return `${parts.join(', ')}; sha256 equal, ${origin.requests} origin request`
}
