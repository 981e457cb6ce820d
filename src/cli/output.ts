/** Writing to standard output and error, no faster than they are read. Text is made safe for a terminal here. */
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { toJson, visible } from './redaction.ts'

export class Output {
  readonly stdout: Writable
  readonly stderr: Writable
  /** Nothing has been written to standard output. */
  isEmpty = true

  constructor(stdout: Writable, stderr: Writable) {
    this.stdout = stdout
    this.stderr = stderr
  }

  async line(text = ''): Promise<void> {
    await this.bytes(`${visible(text)}\n`)
  }

  /** One JSON document. */
  async json(value: unknown): Promise<void> {
    await this.bytes(`${toJson(value, 2)}\n`)
  }

  /** One of several JSON documents, a line each. */
  async jsonLine(value: unknown): Promise<void> {
    await this.bytes(`${toJson(value)}\n`)
  }

  /** Columns as wide as what is in them; numbers to the right, the last one without end. */
  async table(rows: readonly (readonly string[])[], right: ReadonlySet<number>): Promise<void> {
    const shown = rows.map((row) => row.map(visible))
    const widths = shown.reduce<number[]>((sum, row) => row.map((cell, i) => Math.max(sum[i] ?? 0, cell.length)), [])
    for (const row of shown) {
      const cells = row.map((cell, i) => {
        if (right.has(i)) return cell.padStart(widths[i] ?? 0)
        return i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)
      })
      await this.bytes(`${cells.join('  ')}\n`)
    }
  }

  async bytes(bytes: string | Uint8Array): Promise<void> {
    this.isEmpty = false
    if (!this.stdout.write(bytes)) await once(this.stdout, 'drain')
  }

  /** All of a stream, as it is. */
  async stream(body: Readable, signal: AbortSignal): Promise<void> {
    for await (const chunk of body) {
      signal.throwIfAborted()
      await this.bytes(chunk as Uint8Array)
    }
  }

  /** One JSON document whose last property is a stream's bytes in base64: it is never held as a whole. */
  async jsonWithBody(head: object, body: Readable, signal: AbortSignal): Promise<void> {
    await this.bytes(`${toJson(head, 2).slice(0, -2)},\n  "body": "`)
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of body) {
      signal.throwIfAborted()
      const bytes = Buffer.concat([rest, chunk as Uint8Array])
      const whole = bytes.length - (bytes.length % 3)
      rest = bytes.subarray(whole)
      await this.bytes(bytes.subarray(0, whole).toString('base64'))
    }
    await this.bytes(`${rest.toString('base64')}"\n}\n`)
  }

  /** For people, beside the result: to standard error. */
  note(text: string): void {
    this.stderr.write(`${visible(text)}\n`)
  }
}
