/**
 * What is wrong in a directory, and putting it right. Looking changes nothing, and runs beside a cache in use: what its
 * processes do meanwhile is no fault, so each finding is looked at again before it is reported.
 */
import { createHash } from 'node:crypto'
import type { ContentStore } from '../content-store/content-store.ts'
import type { FoundFile } from '../content-store/walk.ts'
import { isOutOfDescriptors } from '../content-store/descriptors.ts'
import { bucketHash } from '../content-store/layout.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { CacheEngine } from './cache-engine.ts'
import type { Holdings } from './holdings.ts'
import { engineOf, type StreamingManager } from './streaming-manager.ts'
import { synchronise } from './synchronise.ts'

export type Finding =
  /** A record whose body is missing, of another length, or not what was stored. */
  | { readonly kind: 'body'; readonly record: StoredResponse; readonly detail: string }
  /** A bucket with lines that are no record. */
  | { readonly kind: 'bucket'; readonly file: FoundFile; readonly detail: string }
  /** A body that no record needs. */
  | { readonly kind: 'orphan'; readonly sha256: string; readonly detail: string }
  /** What somebody who is gone was writing. */
  | { readonly kind: 'temporary'; readonly name: string; readonly detail: string }

export interface Watch {
  readonly signal: AbortSignal
  /** Told how much there is to read, once that is known, and how much has been read: files or bytes. */
  readonly onProgress?: (done: number, total: number) => void
}

export interface Survey {
  readonly records: readonly StoredResponse[]
  /** What can be seen without reading a body. */
  readonly findings: readonly Finding[]
}

/** Reads every bucket, and compares what they need with what is there. Rejects when the signal aborts it. */
export async function survey(store: ContentStore, { signal, onProgress }: Watch): Promise<Survey> {
  const loose = await looseFiles(store)
  const files: FoundFile[] = []
  for await (const file of store.buckets()) files.push(file)
  const findings: Finding[] = []
  const records: StoredResponse[] = []
  for (const [done, file] of files.entries()) {
    signal.throwIfAborted()
    onProgress?.(done, files.length)
    const { records: found, damagedLines } = await store.examine(file)
    records.push(...found)
    const detail = damagedLines === 1 ? 'a line without a record' : `${damagedLines} lines without a record`
    if (damagedLines > 0) findings.push({ kind: 'bucket', file, detail })
  }
  const needed = new Set(records.map(({ body }) => body.sha256))
  for (const finding of loose) {
    const isThere = finding.kind === 'orphan' && !needed.has(finding.sha256) && (await store.hasBody(finding))
    if (isThere || finding.kind === 'temporary') findings.push(finding)
  }
  onProgress?.(files.length, files.length)
  return { records, findings }
}

/** The same, and each body against its checksums and sha256. Progress is in bytes. */
export async function audit(store: ContentStore, { signal, onProgress }: Watch): Promise<Survey> {
  const { records, findings } = await survey(store, { signal })
  const total = records.reduce((sum, { body }) => sum + body.size, 0)
  const damaged: Finding[] = []
  let done = 0
  for (const record of records) {
    const detail = await whatIsWrong(store, record, signal, (bytes) => onProgress?.(done + bytes, total))
    done += record.body.size
    onProgress?.(done, total)
    if (detail !== undefined && (await isStored(store, record))) damaged.push({ kind: 'body', record, detail })
  }
  return { records, findings: [...findings, ...damaged] }
}

/** Looked for before the records are read, so that what is stored meanwhile has its record by then. */
async function looseFiles(store: ContentStore): Promise<Finding[]> {
  const members = await store.members()
  const temporary = await store.abandoned(new Set(members.map(({ run }) => run)))
  const found: Finding[] = temporary.map((name) => ({ kind: 'temporary', name, detail: 'its writer is gone' }))
  for await (const { hash } of store.bodies())
    found.push({ kind: 'orphan', sha256: hash, detail: 'no record needs this body' })
  return found
}

/** Undefined when every byte is what was stored. */
async function whatIsWrong(
  store: ContentStore,
  record: StoredResponse,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    const reader = await store.openBody(record.body)
    try {
      let bytes = 0
      for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
        signal.throwIfAborted()
        hash.update(chunk)
        onBytes((bytes += chunk.length))
      }
    } finally {
      reader.close()
    }
  } catch (error) {
    if (signal.aborted || isOutOfDescriptors(error)) throw error
    return (error as Error).message
  }
  return hash.digest('hex') === record.body.sha256 ? undefined : 'its sha256 is another'
}

/** Whether the disk still has this record: it may have been replaced or removed while its body was read. */
async function isStored(store: ContentStore, { key, variant, body }: StoredResponse): Promise<boolean> {
  const records = await store.readBucket(key)
  return records.some((record) => record.variant === variant && record.body.sha256 === body.sha256)
}

/** Drops what is wrong. Resolves with what is left of it, such as bodies that are for the leader to remove. */
export async function repair(manager: StreamingManager, findings: readonly Finding[]): Promise<Finding[]> {
  const engine = engineOf(manager)
  const { holdings } = engine
  const { store, membership } = holdings
  await manager.runPendingTasks()
  for (const finding of findings) {
    if (finding.kind === 'body') holdings.discard(held(holdings, finding.record))
    else if (finding.kind === 'bucket') await repairBucket(engine, finding.file)
  }
  await manager.runPendingTasks()
  // Only now does nothing refer to them that should not. Where others may be about to, the leader's sweep decides.
  for (const finding of findings) {
    const isWanted = () => finding.kind === 'orphan' && holdings.catalogue.isReferenced(finding.sha256)
    if (finding.kind === 'orphan' && holdings.isWhole) await store.removeBody(finding.sha256, isWanted)
  }
  const left: Finding[] = []
  for (const finding of findings) if (await isLeft(store, finding, membership.runs)) left.push(finding)
  return left
}

/** What the snapshot said of this bucket may be wrong, too; and others may have written it at the same time. */
async function repairBucket(engine: CacheEngine, file: FoundFile): Promise<void> {
  const { catalogue, membership, store } = engine.holdings
  const kept = await store.repairBucket(file)
  const known = [...catalogue.records()].filter(({ key }) => bucketHash(key) === file.hash)
  for (const key of new Set([...kept, ...known].map(({ key }) => key))) {
    const bodies = [...kept, ...known].filter((record) => record.key === key).map(({ body }) => body.sha256)
    await synchronise(engine.holdings, key, (record) => engine.adopt(record))
    membership.note({ note: 'erased', key, bodies })
  }
}

async function isLeft(store: ContentStore, finding: Finding, runs: ReadonlySet<string>): Promise<boolean> {
  switch (finding.kind) {
    case 'body':
      return await isStored(store, finding.record)
    case 'bucket':
      return (await store.examine(finding.file)).damagedLines > 0
    case 'orphan':
      return await store.hasBody(finding)
    case 'temporary':
      return (await store.abandoned(runs)).includes(finding.name)
  }
}

/** Removes these records and nothing else. Resolves once the disk has them no more. */
export async function discard(manager: StreamingManager, records: Iterable<StoredResponse>): Promise<void> {
  const { holdings } = engineOf(manager)
  await manager.runPendingTasks()
  for (const record of records) holdings.discard(held(holdings, record))
  await manager.runPendingTasks()
}

/** What the manager holds for this record of the disk: the same, or freshened. */
function held({ catalogue }: Holdings, record: StoredResponse): StoredResponse {
  const current = catalogue.current(record)
  return current?.body.sha256 === record.body.sha256 ? current : record
}

/** Of several processes on the directory, it is for this one to keep the limits and to clean up. */
export function isLeader(manager: StreamingManager): boolean {
  return engineOf(manager).holdings.membership.isLeader
}
