/** Records what this process does to a directory: functions of `node:fs` are replaced by some that note what they did. */
import synchronous, { constants } from 'node:fs'
import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { relative } from 'node:path'
import type { Operation } from './operations.ts'

type Method = (this: unknown, ...parameters: unknown[]) => Promise<unknown>

export class Recorder {
  readonly operations: Operation[] = []
  readonly #directory: string
  /** Files by where they are now, and folders. */
  readonly #files = new Map<string, number>()
  readonly #handles = new WeakMap<object, number>()
  /** Files by descriptor; what has been closed is written to by nobody. */
  readonly #descriptors = new Map<number, number>()
  #next = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  settled(path: string, version: number): void {
    this.operations.push({ kind: 'settled', path, version, time: Date.now() })
  }

  /** From now on, to the end of the process. */
  async start(): Promise<void> {
    const probe = await fs.open(import.meta.filename)
    const handles = Object.getPrototypeOf(probe) as object
    await probe.close()
    this.#after(fs, 'mkdir', (path: string, options?: { recursive?: boolean }) => {
      this.#madeFolder(path, options?.recursive === true)
    })
    this.#after(fs, 'rename', (from: string, to: string) => this.#renamed(from, to))
    for (const name of ['rm', 'unlink']) this.#after(fs, name, (path: string) => this.#removed(path))
    this.#after(fs, 'writeFile', (path: string, data: string | Uint8Array) => this.#written(this.#created(path), data))
    this.#after(fs, 'open', (path: string, flags: string | number, ...rest: unknown[]) => {
      const handle = rest.at(-2) as FileHandle
      if (flags === 'wx' || flags === 'wx+') this.#hold(handle, this.#created(path))
      else if (typeof flags !== 'number') refuse(`opening with ${flags}`)
      else if ((flags & constants.O_APPEND) !== 0) {
        const known = this.#files.get(relative(this.#directory, path))
        this.#hold(handle, known ?? ((flags & constants.O_CREAT) === 0 ? undefined : this.#created(path)))
      }
    })
    this.#after(handles, 'writev', (chunks: Uint8Array[], result: { bytesWritten: number }, handle: object) =>
      this.#written(this.#handles.get(handle), Buffer.concat(chunks).subarray(0, result.bytesWritten)),
    )
    this.#after(handles, 'writeFile', (data: Uint8Array, _: unknown, handle: object) =>
      this.#written(this.#handles.get(handle), data),
    )
    this.#after(handles, 'write', (data: string | Uint8Array, ...rest: unknown[]) => {
      const handle = rest.at(-1) as FileHandle
      const [first, length, position] = rest as [number, number, number]
      const isText = typeof data === 'string'
      const bytes = isText ? data : data.subarray(first, first + length)
      // The last two are what it returned, and the handle.
      const where = isText ? (rest.length > 2 ? first : undefined) : position
      this.#written(this.#handles.get(handle), bytes, where)
    })
    this.#recordDescriptors()
    for (const name of ['appendFile', 'truncate', 'sync', 'datasync']) this.#after(handles, name, () => refuse(name))
    syncBuiltinESMExports()
  }

  /** What is made through the pool, and then written at once. */
  #recordDescriptors(): void {
    const { open, writeSync } = synchronous
    const opened = (...parameters: unknown[]): void => {
      const callback = parameters.pop() as (error: Error | null, descriptor: number) => void
      const [path, flags] = parameters as [string, string | number]
      const note = (error: Error | null, descriptor: number): void => {
        const file = error === null && flags === 'wx' ? this.#created(path) : undefined
        if (file !== undefined) this.#descriptors.set(descriptor, file)
        callback(error, descriptor)
      }
      Reflect.apply(open, undefined, [...parameters, note])
    }
    synchronous.open = opened as typeof open
    const written = (descriptor: number, bytes: Uint8Array, from = 0): number => {
      const count = writeSync(descriptor, bytes, from)
      this.#written(this.#descriptors.get(descriptor), bytes.subarray(from, from + count))
      return count
    }
    synchronous.writeSync = written as typeof writeSync
  }

  /** `note` is given the parameters, then the result and what the method was called on, once it has succeeded. */
  #after(owner: object, name: string, note: (...parameters: never[]) => void): void {
    const original = Reflect.get(owner, name) as Method
    Reflect.set(owner, name, async function (this: unknown, ...parameters: unknown[]) {
      const result = await original.apply(this, parameters)
      note(...([...parameters, result, this] as never[]))
      return result
    })
  }

  #note(operation: DistributiveOmit<Operation, 'time'>): void {
    this.operations.push({ ...operation, time: Date.now() })
  }

  #madeFolder(path: string, isRecursive: boolean): void {
    const name = this.#inside(path)
    if (name === undefined) return
    const parts = name.split('/')
    const folders = parts.map((_, i) => parts.slice(0, i + 1).join('/'))
    for (const folder of isRecursive ? folders : [name]) {
      if (this.#files.has(folder)) continue
      this.#files.set(folder, -1)
      this.#note({ kind: 'folder', path: folder })
    }
  }

  #created(path: string): number | undefined {
    const name = this.#inside(path)
    if (name === undefined) return undefined
    const file = this.#next++
    this.#files.set(name, file)
    this.#note({ kind: 'create', path: name, file })
    return file
  }

  #hold(handle: FileHandle, file: number | undefined): void {
    if (file === undefined) return
    this.#handles.set(handle, file)
    this.#descriptors.set(handle.fd, file)
  }

  #written(file: number | undefined, data: string | Uint8Array, position?: number): void {
    if (file === undefined || data.length === 0) return
    const bytes = typeof data === 'string' ? Buffer.from(data) : Uint8Array.from(data)
    this.#note({ kind: 'write', file, bytes, position })
  }

  #renamed(from: string, to: string): void {
    const [before, after] = [this.#inside(from), this.#inside(to)]
    const file = before === undefined ? undefined : this.#files.get(before)
    if (before === undefined || after === undefined || file === undefined || file < 0) return refuse('rename')
    this.#files.delete(before)
    this.#files.set(after, file)
    this.#note({ kind: 'rename', from: before, to: after, file })
  }

  #removed(path: string): void {
    const name = this.#inside(path)
    if (name === undefined || !this.#files.has(name)) return
    if (this.#files.get(name) === -1) refuse('removing a folder')
    this.#files.delete(name)
    this.#note({ kind: 'remove', path: name })
  }

  /** The path within the directory, undefined for what is not in it. */
  #inside(path: string): string | undefined {
    const name = relative(this.#directory, path)
    return name === '' || name.startsWith('..') ? undefined : name
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

function refuse(name: string): never {
  throw new Error(`${name} is not modelled`)
}
