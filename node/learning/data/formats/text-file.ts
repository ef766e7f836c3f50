import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

/** The beginning of a file, and how its text is encoded. */
export interface TextHead {
  text: string
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'
}

const HEAD_BYTES = 65_536

/** Reads the beginning of a file; null for what is no text. @throws {Error} as node:fs does */
export async function textHead(path: string): Promise<TextHead | null> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const bytes = buffer.subarray(0, bytesRead)
    const encoding = encodingOf(bytes)
    return encoding === null ? null : { encoding, text: new TextDecoder(encoding).decode(bytes) }
  } finally {
    await file.close()
  }
}

/** The text of a file in pieces. @throws {Error} as node:fs does */
export async function* textChunks(
  path: string,
  encoding: TextHead['encoding'],
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of createReadStream(path, { highWaterMark: HEAD_BYTES })) {
    onBytes((chunk as Buffer).length)
    yield decoder.decode(chunk as Buffer, { stream: true })
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}

function encodingOf(bytes: Buffer): TextHead['encoding'] | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  if (bytes.includes(0)) return null
  try {
    // A character cut off by the end of the head is no fault.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    return 'utf-8'
  } catch {
    return hasControlCharacters(bytes) ? null : 'windows-1252'
  }
}

function hasControlCharacters(bytes: Buffer): boolean {
  return bytes.some(byte => byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d)
}

/** Lines without their ends; one longer than `maxChars` comes as null. */
export async function* linesOf(
  chunks: AsyncIterable<string>,
  maxChars: number,
): AsyncGenerator<string | null> {
  let rest = ''
  let isTooLong = false
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      yield isTooLong || line.length > maxChars ? null : line.replace(/\r$/, '')
      isTooLong = false
    }
    if (rest.length > maxChars) {
      isTooLong = true
      rest = ''
    }
  }
  if (isTooLong) yield null
  else if (rest !== '') yield rest
}
