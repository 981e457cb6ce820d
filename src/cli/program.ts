/** The commands, as `--help` has them and as they are run. */
import { readFile } from 'node:fs/promises'
import { Command, CommanderError, Option } from 'commander'
import { PACKAGE_NAME } from '../diagnostics.ts'
import { InvalidOptionError } from '../errors.ts'
import { cat, defineCat } from './commands/cat.ts'
import { collect, defineCollect } from './commands/gc.ts'
import { defineGet, get } from './commands/get.ts'
import { defineList, list } from './commands/ls.ts'
import { definePurge, defineRemove, purge, remove } from './commands/removal.ts'
import { defineReport, report } from './commands/report.ts'
import { defineShow, show } from './commands/show.ts'
import { defineStats, stats } from './commands/stats.ts'
import { defineVerify, verify } from './commands/verify.ts'
import { defineWarm, warm } from './commands/warm.ts'
import { visible } from './redaction.ts'
import {
  DIRECTORY_VARIABLE,
  MISUSE,
  Session,
  UsageError,
  WRONG,
  type GlobalOptions,
  type Surroundings,
} from './session.ts'

/** Exit code of what Ctrl-C has ended: 128 and the number of SIGINT. */
export const INTERRUPTED = 130

const AFTER_HELP = `
Exit codes: 0 done, 1 nothing found or something is wrong, 2 wrong usage, 130 interrupted.
Values of headers and query parameters that may be credentials are shown as REDACTED, unless --reveal is given.
Runs beside processes that have the directory open. See also: ${PACKAGE_NAME} help <command>
`

/** Runs one command line (what comes after the program's name). Resolves with its exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let code: number = WRONG
  const program = define(surroundings, await ownVersion(), (result) => void (code = result))
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    return codeOf(error, surroundings)
  }
}

function codeOf(error: unknown, { signal, stderr }: Surroundings): number {
  // Commander has said already what is wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : MISUSE
  if (signal.aborted) {
    stderr.write('interrupted\n')
    return INTERRUPTED
  }
  stderr.write(`${PACKAGE_NAME}: ${visible((error as Error).message)}\n`)
  return isMisuse(error) ? MISUSE : WRONG
}

function isMisuse(error: unknown): boolean {
  return error instanceof UsageError || error instanceof InvalidOptionError
}

async function ownVersion(): Promise<string> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function define(surroundings: Surroundings, version: string, onDone: (code: number) => void): Command {
  const program = new Command(PACKAGE_NAME)
    .description('Looks into an HTTP cache directory of undici-streaming-cache, and changes what is in it.')
    .addOption(new Option('-d, --dir <directory>', 'where the cache lies').env(DIRECTORY_VARIABLE))
    .option('--json', 'for programs: one JSON document')
    .option('--reveal', 'show credentials, too')
    .option('-q, --quiet', 'no progress and no remarks on standard error')
    .version(version, '-V, --version', 'say which version this is')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text),
      writeErr: (text) => void surroundings.stderr.write(text),
    })
    .showSuggestionAfterError()
    .addHelpText('after', AFTER_HELP)

  /** What a command does, given its arguments, its options and the session. */
  const on = (command: Command, action: (session: Session, ...args: never[]) => Promise<number>) => {
    command.action(async (...given: unknown[]) => {
      // Commander adds the command itself, which knows its options, to the arguments and the options.
      const session = new Session(command.optsWithGlobals<GlobalOptions>(), surroundings)
      try {
        onDone(await action(session, ...(given.slice(0, -1) as never[])))
      } catch (error) {
        if (surroundings.signal.aborted || isMisuse(error)) throw error
        await session.fail((error as Error).message)
        onDone(WRONG)
      }
    })
  }

  on(defineList(program.command('ls').description('list what is stored')), list)
  on(defineShow(program.command('show <url>').description('show all about what is stored for a URL')), show)
  on(defineCat(program.command('cat <url>').description('write a stored body to standard output')), cat)
  on(defineGet(program.command('get <url>').description('fetch a URL through the cache')), get)
  on(defineStats(program.command('stats').description('count what is stored')), stats)
  on(defineRemove(program.command('rm <url>').description('remove what is stored for a URL')), remove)
  on(definePurge(program.command('purge').description('remove all that is like this')), purge)
  on(
    defineWarm(program.command('warm <url...>').description('fetch URLs through the cache, so that they are stored')),
    warm,
  )
  on(defineVerify(program.command('verify').description('read everything, and drop what is wrong')), verify)
  on(defineCollect(program.command('gc').description('remove what nobody needs, and what is over limits')), collect)
  on(defineReport(program.command('report').description('write a page about what is stored')), report)
  return program
}
