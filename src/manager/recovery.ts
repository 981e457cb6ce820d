/**
 * Start-up, all of it in the background and in slices of the event loop's time: the snapshot is read and taken in, then
 * compared with the disk.
 *
 * The disk is the truth and the snapshot a hint. Until it has been taken in, and until the comparison has ended, a miss in
 * memory looks at the disk. A snapshot of a whole catalogue makes the comparison short: in a folder that has not been
 * written to since there is nothing to be found. A walk over the other buckets' names and times finds what the snapshot
 * does not know, reads only that, and forgets what is no longer there.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { bucketHash } from '../content-store/layout.ts'
import { Looks } from '../content-store/looks.ts'
import { Pace } from '../content-store/pace.ts'
import type { Snapshot } from '../content-store/snapshot-file.ts'
import { Folders, type FoundFile } from '../content-store/walk.ts'
import type { StoredResponse } from '../stored-response.ts'
import type { CacheEngine } from './cache-engine.ts'
import { Catalogue } from './catalogue.ts'
import { synchronise } from './synchronise.ts'
import { Unseen } from './unseen.ts'
import { verifyLatest } from './verification.ts'

/**
 * Where others have the directory open, content that nothing refers to is removed only when it has not been touched for so
 * long: one of them may have put it there and be about to write its bucket. Who comes while this one was alone, and loses
 * a body to it, has a miss.
 */
const ORPHAN_GRACE_MS = 600_000
/**
 * Milliseconds from a sweep that has failed to its second repetition, and to a late one: a folder that can never be read
 * must not have all others read again and again.
 */
const LEAST_PAUSE_MS = 100
const MOST_PAUSE_MS = 600_000

/** Milliseconds by which a file's time may be too early: file systems keep whole seconds, or two of them. */
const COARSENESS_MS = 2_000

/** What was known of the directory, and when. */
interface Known {
  readonly records: readonly StoredResponse[]
  /** In milliseconds since the epoch. */
  readonly asOf: number
  /** It was all that there was. */
  readonly isWhole: boolean
}

/**
 * Never rejects. What the snapshot says is the leader's: beside others it may have been void for long. For `headStart`
 * milliseconds whoever has waited for the start goes first.
 */
export async function recover(engine: CacheEngine, headStart = 0): Promise<void> {
  const { holdings } = engine
  if (!holdings.membership.isLeader) return
  if (headStart > 0) await delay(headStart)
  let known: Known | undefined
  let isGivenUp = false
  const mayGoOn = (): boolean => {
    if (isWorthIt(engine)) return true
    // Closed at once, with nothing done: the old snapshot stays, and with it a new start finds what comes after.
    isGivenUp ||= engine.isClosed && !holdings.snapshots.isDue
    return false
  }
  try {
    const snapshot = await holdings.store.readSnapshot(mayGoOn)
    if (snapshot !== undefined && mayGoOn()) known = await takeIn(engine, snapshot, mayGoOn)
  } catch (error) {
    engine.statistics.fault('recover', error)
  }
  holdings.snapshots.endRestoration(isGivenUp ? 'kept' : 'over')
  await sweep(engine, known)
}

/** Whether the snapshot is still wanted: who closes with something to write needs what the old one says. */
function isWorthIt({ isClosed, holdings }: CacheEngine): boolean {
  return (
    holdings.membership.isLeader &&
    holdings.snapshots.restoration?.isVoid === false &&
    (!isClosed || holdings.snapshots.isDue)
  )
}

async function takeIn(engine: CacheEngine, snapshot: Snapshot, mayGoOn: () => boolean): Promise<Known | undefined> {
  const { holdings } = engine
  const pace = new Pace()
  const restored = new Catalogue({ ...engine.options, ...engine.limits })
  const steps = restored.restoring(snapshot.records, snapshot.index)
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) if (pace.isOver) await pace.rest()
  const records = presentIn(snapshot.records)
  for (const record of step.value ? [] : records) {
    if (pace.isOver) await pace.rest()
    restored.add(record)
  }
  const left: StoredResponse[] = []
  for (const record of records) {
    if (pace.isOver) await pace.rest()
    if (!restored.holds(record)) left.push(record)
  }
  // What others have noted concerns what the snapshot says.
  await holdings.membership.poll()
  if (!mayGoOn()) return undefined
  holdings.takeIn(restored, left, engine.isOutdated)
  // A clock that was set back says nothing about what came after.
  const asOf = snapshot.writtenAt <= Date.now() ? snapshot.writtenAt - COARSENESS_MS : 0
  return { records, asOf, isWhole: snapshot.isWhole && asOf > 0 }
}

/** Of a hundred thousand no copy is made where it would be the same. */
function presentIn(records: Snapshot['records']): readonly StoredResponse[] {
  const isPresent = (record: StoredResponse | undefined) => record !== undefined
  return records.every(isPresent) ? records : records.filter(isPresent)
}

/** Compares the catalogue with the whole directory, by default with nothing known of that, and removes what nobody needs. */
export async function sweep(engine: CacheEngine, known?: Known, pause = 0): Promise<boolean> {
  const { holdings } = engine
  if (!isStillOurs(engine)) return true
  try {
    await holdings.makeRoomForSnapshot()
    // Of what is being written the catalogue may have let go, when it was to start over: it is found on disk, or not at all.
    await holdings.unwritten.settled()
    const { doubts } = holdings.snapshots
    const isNewBoot = await holdings.store.isNewBoot()
    await holdings.store.removeAbandoned(holdings.membership.runs, isNewBoot)
    const given = known ?? { records: [...holdings.catalogue.records()], asOf: 0, isWhole: false }
    // The snapshot may have outlived buckets that are older than it: then all of them are read.
    const before = isNewBoot ? { ...given, asOf: 0, isWhole: false } : given
    if (!(await reconcile(engine, before)) || !(await compareBodies(engine, before))) return true
    if (isNewBoot && (await verifyLatest(engine, () => isStillOurs(engine)))) await holdings.store.noteBoot()
    holdings.snapshots.noteComparison(doubts)
    // The next start will have less to do.
    if (!before.isWhole && holdings.catalogue.entryCount > 0) holdings.snapshots.noteChange()
    return true
  } catch (error) {
    engine.statistics.fault('recover', error)
    const next = Math.min(MOST_PAUSE_MS, 2 * pause || LEAST_PAUSE_MS)
    engine.holdings.postpone(() => sweep(engine, undefined, next), pause)
    return false
  }
}

/** Resolves with whether it came to its end. */
async function reconcile(engine: CacheEngine, { records, asOf, isWhole }: Known): Promise<boolean> {
  const { holdings } = engine
  const { store } = holdings
  const unchanged = asOf > 0 ? await store.unchangedSince('buckets', asOf) : new Folders()
  const passOver = isWhole ? unchanged : new Folders()
  const missing = new Unseen(records.length, ({ key }) => bucketHash(key))
  const pace = new Pace()
  for (const record of records) {
    if (pace.isOver) await pace.rest()
    const hash = bucketHash(record.key)
    if (!passOver.has(hash)) missing.add(record, hash)
  }
  await new Looks().each(store.buckets(passOver, true), async (file) => {
    if (!isStillOurs(engine)) return
    const ofFile = missing.take(file.hash)
    const isKnown = ofFile.length > 0 && (unchanged.has(file.hash) || (await isOlder(engine, file, asOf)))
    if (!isKnown) await readAgain(engine, file, ofFile)
  })
  if (!isStillOurs(engine)) return false
  // They were known, the disk has them no more.
  for (const record of missing.rest()) {
    if (pace.isOver) await pace.rest()
    await lookAgain(engine, record)
  }
  holdings.markReconciled()
  return true
}

async function isOlder(engine: CacheEngine, file: FoundFile, time: number): Promise<boolean> {
  return time > 0 && ((await engine.holdings.store.bucketModifiedAt(file)) ?? Infinity) < time
}

async function readAgain(engine: CacheEngine, file: FoundFile, known: readonly StoredResponse[]): Promise<void> {
  const { store, membership, snapshots } = engine.holdings
  let found: StoredResponse[]
  try {
    found = await store.recordsIn(file)
  } catch (error) {
    // One bucket that cannot be read must not keep all others from being known.
    engine.statistics.fault('read', error)
    snapshots.noteDoubt()
    return
  }
  if (found.length === 0 && !membership.hasCompany) await store.removeRubbish(file)
  const variants = new Map(found.map((record) => [record.variant, record.body.sha256]))
  for (const record of known) {
    if (variants.get(record.variant) !== record.body.sha256) await lookAgain(engine, record)
  }
  for (const record of found) engine.adopt(record)
}

/** The disk had it no more, or not yet: it may have been written since. */
async function lookAgain(engine: CacheEngine, record: StoredResponse): Promise<void> {
  const { holdings } = engine
  if (holdings.catalogue.current(record) === undefined) return
  await synchronise(holdings, record.key, (found) => engine.adopt(found))
}

/** Bodies without a record go, and records without a body. Resolves with whether it came to its end. */
async function compareBodies(engine: CacheEngine, { asOf, isWhole }: Known): Promise<boolean> {
  const { holdings } = engine
  const { catalogue, store } = holdings
  const passOver = isWhole ? await store.unchangedSince('bodies', asOf) : new Folders()
  const before = holdings.membership.hasCompany ? Date.now() - ORPHAN_GRACE_MS : Infinity
  const unseen = new Unseen(catalogue.entryCount, ({ body }) => body.sha256)
  const pace = new Pace()
  for (const record of catalogue.records()) {
    if (pace.isOver) await pace.rest()
    const { sha256 } = record.body
    if (!passOver.has(sha256)) unseen.add(record, sha256)
  }
  await new Looks().each(store.bodies(passOver, true), async (file) => {
    if (!isStillOurs(engine)) return
    unseen.take(file.hash)
    if (catalogue.isReferenced(file.hash)) return
    if (before < Infinity && ((await store.bodyState(file))?.modifiedAt ?? Infinity) >= before) return
    await store.removeBody(file.hash, () => catalogue.isReferenced(file.hash))
  })
  if (!isStillOurs(engine)) return false
  for (const record of unseen.rest()) {
    if (!holdings.unwritten.has(record) && !(await store.hasBody(record.body))) holdings.remove(record)
  }
  return true
}

function isStillOurs(engine: CacheEngine): boolean {
  return !engine.isClosed && engine.holdings.membership.isLeader
}
