import { lstat, open, opendir } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import { DataError } from '../errors.ts'
import { chatGptPieces, claudePieces, isChatGpt, isClaude } from './assistant-chats.ts'
import { documentPieces } from './documents.ts'
import { type JsonElement, jsonElements } from './json-elements.ts'
import { exportedMessage, PersonChat, whatsAppLine, whatsAppPieces } from './person-chats.ts'
import { rowPiece } from './rows.ts'
import { dropped, type Piece, type SourceFormat } from './source.ts'
import { linesOf, type TextHead, textChunks, textHead } from './text-file.ts'

export interface ReadOptions {
  /** Who the owner is in chats among people; null when it was not said. */
  me: string | null
  /** Read of all files together; the rest is left out. */
  maxBytes: number
  signal?: AbortSignal
  onBytes?: (bytes: number) => void
}

/** In a folder, what is looked into; a file that is named itself is looked into whatever it is called. */
const EXTENSIONS = new Set([
  '.txt',
  '.text',
  '.md',
  '.markdown',
  '.mdx',
  '.rst',
  '.org',
  '.tex',
  '.jsonl',
  '.ndjson',
  '.json',
])
const MAX_LINE_CHARS = 1_048_576
const MAX_FILES = 100_000
const MAX_DEPTH = 32
const ARCHIVES = ['PK\u0003\u0004', '\u001f\u008b', '7z\u00bc\u00af', 'Rar!']

/**
 * Everything that can be learnt from in a file or folder, piece by piece. What it is, its content says.
 * @throws {DataError} DATA_UNREADABLE when there is nothing at the path
 */
export async function* readSource(path: string, options: ReadOptions): AsyncGenerator<Piece> {
  let left = options.maxBytes
  const onBytes = (bytes: number) => {
    left -= bytes
  }
  const isFolder = await lstat(path).then(
    stats => stats.isDirectory(),
    (cause: unknown) => {
      throw new DataError('DATA_UNREADABLE', `${path} cannot be read`, {
        fix: 'Name a folder or file that is there.',
        details: { path },
        cause,
      })
    },
  )
  if (!isFolder) {
    yield* readFile(path, basename(path), options, () => left, onBytes)
    return
  }
  for await (const found of filesIn(path, 0, { files: 0 })) {
    if (typeof found !== 'string') {
      yield found
      continue
    }
    if (left <= 0) {
      yield dropped('over_limit', relative(path, found))
      continue
    }
    yield* readFile(found, relative(path, found), options, () => left, onBytes)
  }
}

async function* filesIn(
  folder: string,
  depth: number,
  seen: { files: number },
): AsyncGenerator<string | Piece> {
  const entries = []
  try {
    for await (const entry of await opendir(folder)) entries.push(entry)
  } catch {
    yield dropped('unreadable', folder)
    return
  }
  // The same order each time.
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    if (entry.isDirectory()) {
      if (depth < MAX_DEPTH) yield* filesIn(path, depth + 1, seen)
    } else if (entry.isSymbolicLink()) yield dropped('link', path)
    else if (!entry.isFile() || !EXTENSIONS.has(extname(entry.name).toLowerCase()))
      yield dropped('unknown_type', path)
    else if (++seen.files > MAX_FILES) {
      yield dropped('over_limit', path)
      return
    } else yield path
  }
}

async function* readFile(
  path: string,
  name: string,
  options: ReadOptions,
  left: () => number,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Piece> {
  let head: TextHead | null
  try {
    head = await textHead(path)
  } catch {
    yield dropped('unreadable', name)
    return
  }
  if (head === null) {
    yield dropped((await isArchive(path)) ? 'archive' : 'binary', name)
    return
  }
  if (head.text.trim() === '') {
    yield dropped('too_short', name)
    return
  }
  const chunks = bounded(
    textChunks(path, head.encoding, bytes => {
      onBytes(bytes)
      options.onBytes?.(bytes)
    }),
    left,
    options.signal,
  )
  yield* piecesOf(chunks, head.text, name, options)
}

async function* bounded(
  chunks: AsyncIterable<string>,
  left: () => number,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  for await (const chunk of chunks) {
    if (signal?.aborted === true) throw new DataError('CANCELLED', 'reading was cancelled')
    yield chunk
    if (left() <= 0) return
  }
}

async function* piecesOf(
  chunks: AsyncIterable<string>,
  head: string,
  name: string,
  { me }: ReadOptions,
): AsyncGenerator<Piece> {
  const shape = shapeOf(head, name)
  switch (shape) {
    case 'jsonl':
      yield { kind: 'file', format: 'jsonl' }
      yield* jsonlPieces(linesOf(chunks, MAX_LINE_CHARS), name)
      return
    case 'whatsapp':
      yield { kind: 'file', format: 'whatsapp' }
      yield* whatsAppPieces(linesOf(chunks, MAX_LINE_CHARS), name, me)
      return
    case 'list':
    case 'object':
      yield* jsonPieces(jsonElements(chunks, shape === 'list'), name, me)
      return
    default:
      yield { kind: 'file', format: shape }
      yield* documentPieces(chunks, name, shape === 'markdown')
  }
}

/** What the beginning of a file shows it to be. */
function shapeOf(head: string, name: string): 'jsonl' | 'whatsapp' | 'list' | 'object' | 'markdown' | 'text' {
  const text = head.replace(/^\ufeff/, '').trimStart()
  const lines = text.split('\n', 50)
  const extension = extname(name).toLowerCase()
  if (extension === '.jsonl' || extension === '.ndjson') return 'jsonl'
  if (/^\{\s*["}]/.test(text)) {
    const isFirstWhole = isJson(lines[0]!)
    if (isFirstWhole && (lines.length === 1 || lines[1]!.trim() === '' || lines[1]!.startsWith('{'))) {
      // A file of one line may be either; the lists of exports are looked for in what has them.
      return /^\{"(?:name|about|guild|chats)"/.test(text) ? 'object' : 'jsonl'
    }
    return 'object'
  }
  if (/^\[\s*[[{\]]/.test(text)) return 'list'
  if (lines.filter(line => whatsAppLine(line) !== null).length >= Math.min(2, lines.length)) return 'whatsapp'
  return extension === '.md' || extension === '.markdown' || extension === '.mdx' ? 'markdown' : 'text'
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

async function* jsonlPieces(lines: AsyncIterable<string | null>, name: string): AsyncGenerator<Piece> {
  let number = 0
  for await (const line of lines) {
    number++
    if (line === null) {
      yield dropped('too_long', `${name}, line ${number}`)
      continue
    }
    const text = number === 1 ? line.replace(/^\ufeff/, '') : line
    if (text.trim() === '') continue
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      yield dropped('bad_json', text)
      continue
    }
    yield rowPiece(value, `${name}#${number}`)
  }
}

/** Each member of a list shows by itself what it is. */
async function* jsonPieces(
  elements: AsyncIterable<JsonElement | Piece>,
  name: string,
  me: string | null,
): AsyncGenerator<Piece> {
  const chat = new PersonChat(name, me)
  let told: SourceFormat | null = null
  let turns: unknown[] = []
  let number = 0
  const tell = function* (format: SourceFormat): Generator<Piece> {
    if (told !== format) yield { kind: 'file', format }
    told = format
  }
  for await (const element of elements) {
    if ('kind' in element) {
      yield element
      continue
    }
    const { value, index } = element
    const group = `${name}#${number++}`
    const message = exportedMessage(value)
    if (message !== null) {
      yield* tell(message.format)
      if (index === 0) yield* chat.nextChat()
      if (message.text.trim() !== '') yield* chat.add(message)
    } else if (isChatGpt(value)) {
      yield* tell('chatgpt')
      yield* chatGptPieces(value, group)
    } else if (isClaude(value)) {
      yield* tell('claude')
      yield* claudePieces(value, group)
    } else if (isTurn(value)) {
      yield* tell('json')
      if (turns.length < MAX_TURNS) turns.push(value)
    } else if ((value as { type?: unknown } | null)?.type === 'service') {
      // What Telegram tells of calls and of who joined.
    } else {
      yield* tell('json')
      yield rowPiece(value, group)
    }
  }
  if (turns.length > 0) yield rowPiece({ messages: turns }, name)
  turns = []
  yield* chat.end()
}

const MAX_TURNS = 10_000

/** A message of a file that is one conversation. */
function isTurn(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value
}

async function isArchive(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
    return ARCHIVES.some(magic => buffer.toString('latin1').startsWith(magic))
  } finally {
    await file.close()
  }
}
