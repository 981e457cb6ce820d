#!/usr/bin/env node
/** The program `undici-streaming-cache`. See program.ts for its commands. */
import { INTERRUPTED, run } from './program.ts'

const controller = new AbortController()

for (const [signal, code] of [
  ['SIGINT', INTERRUPTED],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    // The directory is consistent at any moment: who cannot wait for what is being finished need not.
    if (controller.signal.aborted) process.exit(code)
    controller.abort()
    process.exitCode = code
  })
}

// Whoever reads has had enough, such as `head`: nobody is left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const { stdin, stdout, stderr } = process
const code = await run(process.argv.slice(2), { stdin, stdout, stderr, signal: controller.signal })
process.exitCode ??= code
