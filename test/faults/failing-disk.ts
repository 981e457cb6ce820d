/**
 * A disk that fails on demand: while a fault is on, the calls of `node:fs` that it concerns reject below one directory.
 * Calls are let through to the real disk otherwise, and so is what gives a descriptor back.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

type Operation = 'open' | 'create' | 'read' | 'write' | 'close' | 'rename' | 'remove' | 'make' | 'list'

export interface Fault {
  readonly code: string
  readonly operations: readonly Operation[]
}

/** By name; what a real disk answers in each case. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  full: { code: 'ENOSPC', operations: ['create', 'write', 'make'] },
  'read-only': { code: 'EROFS', operations: ['create', 'rename', 'remove', 'make'] },
  forbidden: { code: 'EACCES', operations: ['open', 'create', 'rename', 'remove', 'make', 'list'] },
  'EIO on open': { code: 'EIO', operations: ['open', 'create', 'list'] },
  'EIO on read': { code: 'EIO', operations: ['read', 'list'] },
  'EIO on write': { code: 'EIO', operations: ['write'] },
  'EIO on rename': { code: 'EIO', operations: ['rename'] },
  'EIO on close': { code: 'EIO', operations: ['close'] },
  'EIO on unlink': { code: 'EIO', operations: ['remove'] },
  'out of descriptors': { code: 'EMFILE', operations: ['open', 'create', 'list'] },
}

/** Failures of these are nobody's loss: a descriptor is given back all the same, an empty folder goes later. */
const SILENT: ReadonlySet<string> = new Set(['close', 'rmdir'])

type Call = (...args: never[]) => unknown

export class FailingDisk {
  fault: Fault | undefined
  /** A folder of the directory where nothing fails. */
  except: string | undefined
  /** Calls that have failed since `failures` was last set to 0, but for those that nobody needs to hear of. */
  failures = 0
  readonly #directory: string
  readonly #descriptors = new Set<number>()
  readonly #originals: (() => void)[] = []

  constructor(directory: string) {
    this.#directory = directory
    const { promises } = fs
    this.#patch(fs, 'open', (open) => this.#openedByCallback(open))
    this.#patch(fs, 'read', (read) => this.#byDescriptor('read', read))
    this.#patch(fs, 'close', (close) => this.#closedByCallback(close))
    this.#patch(fs, 'openSync', (open) => this.#openedNow(open))
    this.#patch(fs, 'readSync', (read) => this.#byDescriptorNow('read', read))
    this.#patch(fs, 'writeSync', (write) => this.#byDescriptorNow('write', write))
    this.#patch(fs, 'closeSync', (close) => this.#closedNow(close))
    this.#patch(promises, 'open', (open) => this.#openedAsHandle(open))
    this.#patch(promises, 'readFile', (call) => this.#promised('readFile', ['open', 'read'], call))
    this.#patch(promises, 'writeFile', (call) => this.#promised('writeFile', ['create', 'write', 'close'], call))
    this.#patch(promises, 'rename', (call) => this.#promised('rename', ['rename'], call))
    this.#patch(promises, 'mkdir', (call) => this.#promised('mkdir', ['make'], call))
    this.#patch(promises, 'readdir', (call) => this.#promised('readdir', ['list'], call))
    this.#patch(fs, 'readdirSync', (call) => this.#synchronous('readdirSync', ['list'], call))
    this.#patch(fs, 'readFileSync', (call) => this.#synchronous('readFileSync', ['open', 'read'], call))
    for (const name of ['rm', 'rmdir', 'unlink'])
      this.#patch(promises, name, (call) => this.#promised(name, ['remove'], call))
    syncBuiltinESMExports()
  }

  restore(): void {
    for (const restore of this.#originals) restore()
    syncBuiltinESMExports()
  }

  #patch(of: object, name: string, replace: (original: Call) => Call): void {
    const original = Reflect.get(of, name) as Call
    this.#originals.push(() => Reflect.set(of, name, original))
    Reflect.set(of, name, replace(original.bind(of)))
  }

  /** The error of the disk, if one of these fails now. */
  #error(name: string, path: unknown, operations: readonly Operation[]): Error | undefined {
    const { fault } = this
    if (fault === undefined || !operations.some((each) => fault.operations.includes(each))) return undefined
    if (typeof path === 'string' && path !== this.#directory && !path.startsWith(`${this.#directory}/`))
      return undefined
    if (this.except !== undefined && String(path).includes(`/${this.except}`)) return undefined
    if (!SILENT.has(name) && !(['rm', 'unlink'].includes(name) && String(path).includes('/tmp/'))) this.failures++
    return Object.assign(new Error(`${fault.code}: injected, ${name} '${String(path)}'`), { code: fault.code })
  }

  #promised(name: string, operations: readonly Operation[], call: Call): Call {
    return async (...args: never[]) => {
      const error = this.#error(name, args[0], operations)
      if (error !== undefined) throw error
      return await call(...args)
    }
  }

  #synchronous(name: string, operations: readonly Operation[], call: Call): Call {
    return (...args: never[]) => {
      const error = this.#error(name, args[0], operations)
      if (error !== undefined) throw error
      return call(...args)
    }
  }

  #openedByCallback(open: Call): Call {
    return (...args: never[]) => {
      const callback = args.at(-1) as unknown as (error: Error | null, descriptor?: number) => void
      const error = this.#error('open', args[0], [(args[1] as unknown) === 'wx' ? 'create' : 'open'])
      if (error !== undefined) return setImmediate(callback, error)
      const isOurs = String(args[0]).startsWith(`${this.#directory}/`)
      const noted = (failure: Error | null, descriptor?: number): void => {
        if (isOurs && descriptor !== undefined) this.#descriptors.add(descriptor)
        callback(failure, descriptor)
      }
      return open(...args.slice(0, -1), noted as never)
    }
  }

  #byDescriptor(name: Operation, call: Call): Call {
    return (...args: never[]) => {
      const isOurs = this.#descriptors.has(args[0] as unknown as number)
      const error = isOurs ? this.#error(name, undefined, [name]) : undefined
      if (error === undefined) return call(...args)
      return setImmediate(args.at(-1) as unknown as (error: Error) => void, error)
    }
  }

  #openedNow(open: Call): Call {
    return (...args: never[]) => {
      const error = this.#error('open', args[0], ['open'])
      if (error !== undefined) throw error
      const descriptor = open(...args) as number
      if (String(args[0]).startsWith(`${this.#directory}/`)) this.#descriptors.add(descriptor)
      return descriptor
    }
  }

  #byDescriptorNow(name: Operation, call: Call): Call {
    return (...args: never[]) => {
      const isOurs = this.#descriptors.has(args[0] as unknown as number)
      const error = isOurs ? this.#error(name, undefined, [name]) : undefined
      if (error !== undefined) throw error
      return call(...args)
    }
  }

  #closedNow(close: Call): Call {
    return (...args: never[]) => {
      const isOurs = this.#descriptors.delete(args[0] as unknown as number)
      close(...args)
      const error = isOurs ? this.#error('close', undefined, ['close']) : undefined
      if (error !== undefined) throw error
    }
  }

  #closedByCallback(close: Call): Call {
    return (...args: never[]) => {
      const isOurs = this.#descriptors.delete(args[0] as unknown as number)
      const error = isOurs ? this.#error('close', undefined, ['close']) : undefined
      if (error === undefined) return close(...args)
      const callback = args.at(-1) as unknown as (error: Error) => void
      return close(args[0] as never, (() => callback(error)) as never)
    }
  }

  #openedAsHandle(open: Call): Call {
    return async (...args: never[]) => {
      const isReading = args[1] === undefined || (args[1] as unknown) === 'r'
      const error = this.#error('open', args[0], [isReading ? 'open' : 'create'])
      if (error !== undefined) throw error
      const handle = (await open(...args)) as fs.promises.FileHandle
      if (!String(args[0]).startsWith(`${this.#directory}/`)) return handle
      const writev = handle.writev.bind(handle)
      const close = handle.close.bind(handle)
      const { fd } = handle
      this.#descriptors.add(fd)
      handle.writev = async (buffers, position) => {
        const failure = this.#error('writev', undefined, ['write'])
        if (failure !== undefined) throw failure
        return (await writev(buffers, position)) as never
      }
      handle.close = async () => {
        this.#descriptors.delete(fd)
        await close()
        const failure = this.#error('close of a written file', undefined, ['close'])
        if (failure !== undefined) throw failure
      }
      return handle
    }
  }
}
