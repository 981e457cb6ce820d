/** A real browser, where one is installed: Debian's `chromium`, or whatever CHROMIUM names. */
import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { temporaryDirectory } from './directory.ts'

const PROGRAM = process.env['CHROMIUM'] ?? 'chromium'
const TIMEOUT_MS = 120_000

/** Why there is no browser to test in, or false. */
export async function whyNoChromium(): Promise<string | false> {
  const version = await run(['--version']).catch(() => '')
  return version.includes('Chrom') ? false : `${PROGRAM} is not installed: pages are not tested in a browser here`
}

export interface Look {
  readonly width?: number
  readonly height?: number
  readonly isDark?: boolean
}

/** The page as it is after its scripts have run, in HTML. */
export async function dumpDom(file: string, { width = 1200, height = 2400 }: Look = {}): Promise<string> {
  const args = [`--window-size=${width},${height}`, '--virtual-time-budget=5000', '--dump-dom']
  return await run([...args, pathToFileURL(file).href], await temporaryDirectory())
}

/** Writes a picture of the page. */
export async function screenshot(
  file: string,
  png: string,
  { width = 1200, height = 2400, isDark = false }: Look,
): Promise<void> {
  // 0 is dark, 1 is light.
  const scheme = `--blink-settings=preferredColorScheme=${isDark ? 0 : 1}`
  const args = [scheme, `--window-size=${width},${height}`, '--hide-scrollbars', `--screenshot=${png}`]
  await run([...args, pathToFileURL(file).href], await temporaryDirectory())
}

function run(args: readonly string[], profile?: string): Promise<string> {
  const flags = ['--headless', '--disable-gpu', '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND']
  // In containers there is no sandbox for root.
  if (process.getuid?.() === 0) flags.push('--no-sandbox')
  if (profile !== undefined) flags.push(`--user-data-dir=${profile}`)
  return new Promise((resolve, reject) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 }
    execFile(PROGRAM, [...flags, ...args], options, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
  })
}
