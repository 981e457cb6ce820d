/** Runs programs for the package check: with this Node, and with their output in the error when they fail. */
import { execFile } from 'node:child_process'
import { dirname, delimiter } from 'node:path'

const TIMEOUT_MS = 300_000

/** Runs a script with this Node. Resolves with its standard output. */
export async function runNode(args: readonly string[], cwd: string): Promise<string> {
  return await run(process.execPath, args, cwd)
}

/** Runs the npm that runs this script, with this Node. */
export async function runNpm(args: readonly string[], cwd: string): Promise<string> {
  const npm = process.env['npm_execpath']
  if (npm === undefined) throw new Error('Run this by npm: npm run check:package')
  return await runNode([npm, ...args], cwd)
}

function run(file: string, args: readonly string[], cwd: string): Promise<string> {
  // Programs that are started in turn (npm's scripts) find the same Node first.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` }
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { cwd, env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error }))
    })
  })
}
