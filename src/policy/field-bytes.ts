/**
 * Names and values of fields as Buffers, which are what undici's client hands on as raw headers. They know their text: who
 * asks for that, as fetch does, gets the one string that is there, and not a new one for each response.
 */
import { RememberedByText } from './remembered.ts'

const known = new RememberedByText<Buffer>()

/** Names, ages and statuses of the moment are the same for many: so are these. */
export function bytesOf(text: string): Buffer {
  return known.get(text) ?? known.set(text, withText(Buffer.from(text, 'latin1'), text))
}

/** The same for a value that is sent once, and not worth being known. */
export function bytesOnce(text: string): Buffer {
  return known.get(text) ?? Buffer.from(text, 'latin1')
}

const TEXT = Symbol('text')

/** Not enumerable: nobody else is to see a difference from other Buffers. */
function withText(bytes: Buffer, text: string): Buffer {
  const decoded = bytes.toString('latin1')
  Object.defineProperty(bytes, TEXT, { value: decoded === text ? text : decoded })
  return Object.defineProperty(bytes, 'toString', { value: toText, writable: true, configurable: true })
}

function toText(this: Buffer & { [TEXT]: string }, encoding?: BufferEncoding, start?: number, end?: number): string {
  if (encoding === 'latin1' && start === undefined && end === undefined) return this[TEXT]
  return Buffer.prototype.toString.call(this, encoding, start, end)
}
