/**
 * The Nodes of the matrix. Node 24 is the devDependency `node`; the others come from the same npm package at their
 * exact versions, once, into a folder that goes with `node_modules`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const CACHE = join(ROOT, 'node_modules/.cache/matrix-nodes')

/** An executable, or why there is none. */
export type FoundNode = { readonly path: string } | { readonly missing: string }

export function findNode(version: string): FoundNode {
  if (versionOf(process.execPath) === version) return { path: process.execPath }
  const folder = join(CACHE, version)
  const executable = executableIn(folder)
  const known = [executableIn(ROOT), executable].find((path) => versionOf(path) === version)
  if (known !== undefined) return { path: known }
  try {
    installNode(folder, version)
  } catch (error) {
    return { missing: `npm could not install node@${version}: ${lastErrorLine(error)}` }
  }
  return versionOf(executable) === version
    ? { path: executable }
    : { missing: `node@${version} was installed, but does not run here` }
}

function executableIn(folder: string): string {
  return join(folder, 'node_modules/node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

function versionOf(executable: string): string | undefined {
  if (!existsSync(executable)) return undefined
  try {
    return execFileSync(executable, ['--version'], { encoding: 'utf8' }).trim().slice(1)
  } catch {
    return undefined
  }
}

function installNode(folder: string, version: string): void {
  mkdirSync(folder, { recursive: true })
  // The executable is fetched by a preinstall script. npm 10 runs it as it is; npm 11 asks for the permission.
  const manifest = { private: true, dependencies: { node: version }, allowScripts: { node: true } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts=false']
  const options = { cwd: folder, env: cleanEnvironment(), encoding: 'utf8', stdio: 'pipe' } as const
  const npm = process.env['npm_execpath']
  if (npm === undefined) execFileSync('npm', args, { ...options, shell: process.platform === 'win32' })
  else execFileSync(process.execPath, [npm, ...args], options)
}

/** Without what the npm that runs us says about our own folder and script. The user's settings stay. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^npm_(?:config_(?:local_prefix|prefix|ignore_scripts)|package_|lifecycle_|command$)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

function lastErrorLine(error: unknown): string {
  const output = (error as { stderr?: string }).stderr ?? ''
  const lines = output.split('\n').filter((line) => line.startsWith('npm error'))
  return lines.find((line) => !/^npm error (?:code|errno|syscall)\b/.test(line)) ?? (error as Error).message
}
