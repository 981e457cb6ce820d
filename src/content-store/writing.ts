/**
 * What all who write in a directory share. A file is made through the thread pool, since that may have to wait for the disk;
 * its bytes only go to the system's memory, at once as long as that is quick (patience.ts).
 */
import { closeSync, open, writeSync } from 'node:fs'
import { CHUNK_SIZE } from '../stored-response.ts'
import { closeNow, type Descriptors } from './descriptors.ts'
import { createFile, replaceFile } from './files.ts'
import type { KnownFolders } from './known-folders.ts'
import { FILE_MODE } from './layout.ts'
import { Patience } from './patience.ts'

/** A write that takes longer, in milliseconds, is slow: 64 KiB for the system's memory take a hundredth of it. */
const SLOW_MS = 2

/** Bytes that are written at once at most: more would be no less a stall for being quick. */
export const MOST_AT_ONCE: number = 4 * CHUNK_SIZE

/** Bytes of all bodies that wait in memory for a file to be opened for them: slow origins keep many for long. */
export class WaitingBytes {
  readonly #most: number
  #now = 0

  constructor(most: number) {
    this.#most = most
  }

  allow(bytes: number): boolean {
    return this.#now + bytes <= this.#most
  }

  /** So many more, or fewer. */
  count(bytes: number): void {
    this.#now += bytes
  }
}

export class Writing {
  readonly descriptors: Descriptors
  readonly waitingBytes: WaitingBytes
  readonly patience: Patience

  constructor(descriptors: Descriptors, waitingBytes: WaitingBytes, slowMs: number = SLOW_MS) {
    this.descriptors = descriptors
    this.waitingBytes = waitingBytes
    this.patience = new Patience(slowMs)
  }

  /** Replaces a small file whole, by a temporary one and a rename. */
  async replaceFile(path: string, content: string | Buffer, temporary: string, known?: KnownFolders): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    await this.descriptors.during(() =>
      replaceFile(path, bytes, temporary, () => this.#create(temporary, bytes), known),
    )
  }

  async #create(path: string, bytes: Buffer): Promise<void> {
    if (bytes.length > MOST_AT_ONCE || this.patience.isCalledFor()) {
      await createFile(path, bytes)
      return
    }
    const descriptor = await openNew(path)
    this.patience.quickly(() => writeAndClose(descriptor, bytes))
  }
}

function openNew(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, 'wx', FILE_MODE, (error, descriptor) => {
      if (error === null) resolve(descriptor)
      else reject(error)
    })
  })
}

function writeAndClose(descriptor: number, bytes: Buffer): void {
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
  } catch (error) {
    closeNow(descriptor)
    throw error
  }
  closeSync(descriptor)
}
