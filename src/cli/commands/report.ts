/** `report`: a page for people about what is stored. */
import { writeFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { gather } from '../report/data.ts'
import { page } from '../report/page.ts'
import { isSelected, withSelection, type SelectionOptions } from '../selection.ts'
import { DONE, type Session } from '../session.ts'
import { counted, humanSize, integer } from '../units.ts'

interface ReportOptions extends SelectionOptions {
  readonly output: string
  readonly rows: number
}

/** The page names what somebody has fetched: it is for its owner, as the directory is. */
const FILE_MODE = 0o600

export function defineReport(command: Command): Command {
  return withSelection(command)
    .option('-o, --output <file>', 'where the page goes; - is standard output', 'cache-report.html')
    .addOption(new Option('--rows <count>', 'entries in its table, the heaviest').argParser(integer(0)).default(5_000))
    .addHelpText(
      'after',
      `
One HTML file that loads nothing from anywhere. In which order entries would go, and how often they are asked for, comes
from the last snapshot, which a process that has the directory open writes each minute and when it ends.
With --json: what the page shows, as one document on standard output; no page is written.
`,
    )
}

export async function report(session: Session, options: ReportOptions): Promise<number> {
  const inspection = await session.inspect()
  const progress = session.progress('Reading', 'items')
  const { signal } = session
  const onProgress = (done: number, total: number) => progress.update(done, total)
  const records = await inspection.records({ signal, onProgress }).finally(() => progress.end())
  const selected = records.filter((record) => isSelected(session, record, options))
  const data = await gather(session, inspection, selected, options)
  if (session.isJson) await session.out.json(data)
  else if (options.output === '-') await session.out.bytes(page(data))
  else {
    const text = page(data)
    await writeFile(options.output, text, { mode: FILE_MODE, signal })
    const size = humanSize(Buffer.byteLength(text))
    await session.out.line(`${options.output}: ${counted(selected.length, 'entry', 'entries')}, a page of ${size}`)
  }
  return DONE
}
