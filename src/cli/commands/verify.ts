/** `verify`: reads everything that is stored, and drops what is wrong. */
import type { Command } from 'commander'
import { audit, isLeader, repair, type Finding } from '../../manager/audit.ts'
import { entryKey } from '../../stored-response.ts'
import { DONE, WRONG, type Session } from '../session.ts'
import { counted, humanSize } from '../units.ts'
import { shown } from '../views.ts'

interface VerifyOptions {
  readonly dryRun?: boolean
}

export function defineVerify(command: Command): Command {
  return command.option('--dry-run', 'say what is wrong, and change nothing').addHelpText(
    'after',
    `
Reads each record and each body, compares lengths, checksums and sha256, and looks for bodies that no record needs and
for what killed processes have left. What is wrong is dropped: the next request for it is a miss. Runs beside processes
that use the cache. Exit code 1: something is or was wrong.
`,
  )
}

export async function verify(session: Session, { dryRun }: VerifyOptions): Promise<number> {
  const { store } = await session.inspect()
  const progress = session.progress('Verifying', 'bytes')
  const onProgress = (done: number, total: number) => progress.update(done, total)
  const result = await audit(store, { signal: session.signal, onProgress }).finally(() => progress.end())
  const { findings } = result
  const records = result.records.length
  const bytes = result.records.reduce((sum, { body }) => sum + body.size, 0)
  const isRepairing = dryRun !== true && findings.length > 0
  const { left, leads } = isRepairing
    ? await session.change({}, async (manager) => ({ left: await repair(manager, findings), leads: isLeader(manager) }))
    : { left: findings, leads: true }
  const isRepaired = (finding: Finding) => isRepairing && !left.includes(finding)
  if (session.isJson) {
    const problems = findings.map((finding) => ({ ...view(session, finding), isRepaired: isRepaired(finding) }))
    await session.out.json({ records, bytes, problems, isDryRun: dryRun === true })
  } else {
    for (const finding of findings) {
      const { kind, name, detail } = view(session, finding)
      await session.out.line(`${isRepaired(finding) ? 'dropped' : 'found'}: ${kind} ${name}: ${detail}`)
    }
    const problems = findings.length === 0 ? 'nothing wrong' : counted(findings.length, 'problem')
    const repaired = isRepairing ? `, ${findings.length - left.length} put right` : ''
    await session.out.line(`${counted(records, 'record')}, ${humanSize(bytes)} read: ${problems}${repaired}`)
    if (isRepairing && left.length > 0 && !leads)
      await session.out.line('Another process has the directory open and cleans up the rest within ten minutes.')
  }
  return findings.length === 0 ? DONE : WRONG
}

function view(session: Session, finding: Finding): { kind: string; name: string; detail: string } {
  const { kind, detail } = finding
  switch (finding.kind) {
    case 'body':
      return { kind, name: shown(session, entryKey(finding.record.key, finding.record.variant)), detail }
    case 'bucket':
      return { kind, name: finding.file.hash, detail }
    case 'orphan':
      return { kind, name: finding.sha256, detail }
    case 'temporary':
      return { kind, name: finding.name, detail }
  }
}
