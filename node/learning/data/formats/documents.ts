import type { Piece } from './source.ts'

/** Of a document, what is trained on or held out together; a longer one is cut into parts of this. */
const PART_CHARS = 65_536
/** Characters of a row: what fits a row of a few hundred tokens. */
const ROW_CHARS = 1_600
const MIN_ROW_CHARS = 24

/** A text in parts, cut where a paragraph ends, else a line, else a word. */
export async function* documentPieces(
  chunks: AsyncIterable<string>,
  file: string,
  markdown: boolean,
): AsyncGenerator<Piece> {
  let text = ''
  let part = 0
  const piece = (end: number): Piece => {
    const cut = { kind: 'text', group: `${file}#${part++}`, text: text.slice(0, end), markdown } as const
    text = text.slice(end)
    return cut
  }
  for await (const chunk of chunks) {
    text += chunk.replaceAll('\r\n', '\n')
    while (text.length > 2 * PART_CHARS) yield piece(endOfPart(text))
  }
  while (text.length > PART_CHARS) yield piece(endOfPart(text))
  if (text.trim() !== '') yield piece(text.length)
}

function endOfPart(text: string): number {
  for (const end of ['\n\n', '\n', ' ']) {
    const at = text.lastIndexOf(end, PART_CHARS)
    if (at > PART_CHARS / 2) return at + end.length
  }
  return wholeCharacter(text, PART_CHARS)
}

/** Never between the halves of a surrogate pair. */
function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at - 1)
  return code >= 0xd800 && code <= 0xdbff ? at - 1 : at
}

/**
 * A stretch of text as rows: whole paragraphs as long as they fit, a heading with what comes after it, code between
 * fences in one piece; what is longer than a row is cut at sentences, then at words.
 */
export function* textRows(text: string, markdown: boolean): Generator<string> {
  let row = ''
  for (const block of blocksOf(text, markdown)) {
    const isHeading = markdown && /^#{1,6}\s/.test(block)
    const isFull = row.length + block.length + 2 > ROW_CHARS || (isHeading && row.length > ROW_CHARS / 4)
    if (row !== '' && isFull) {
      yield row
      row = ''
    }
    if (block.length <= ROW_CHARS) {
      row += row === '' ? block : `\n\n${block}`
      continue
    }
    yield* cut(block)
  }
  if (row !== '') yield row
}

export function isTooShort(row: string): boolean {
  return row.trim().length < MIN_ROW_CHARS
}

function* blocksOf(text: string, markdown: boolean): Generator<string> {
  let fenced: string | null = null
  for (const block of text.split(/\n[ \t]*\n+/)) {
    const joined: string = fenced === null ? block : `${fenced}\n\n${block}`
    const isOpen: boolean = markdown && (joined.match(/^\s*(?:```|~~~)/gm) ?? []).length % 2 === 1
    if (isOpen && joined.length < ROW_CHARS) {
      fenced = joined
      continue
    }
    fenced = null
    if (joined.trim() !== '') yield joined.trimEnd()
  }
  if (fenced !== null) yield fenced.trimEnd()
}

function* cut(block: string): Generator<string> {
  let row = ''
  for (const sentence of block.split(/(?<=[.!?…。！？]["'”»)]?\s)|(?<=[。！？])|(?<=\n)/u)) {
    if (row !== '' && row.length + sentence.length > ROW_CHARS) {
      yield row.trimEnd()
      row = ''
    }
    row += sentence
    while (row.length > ROW_CHARS) {
      const space = row.lastIndexOf(' ', ROW_CHARS)
      const end = space > ROW_CHARS / 2 ? space : wholeCharacter(row, ROW_CHARS)
      yield row.slice(0, end)
      row = row.slice(end).trimStart()
    }
  }
  if (row.trim() !== '') yield row.trimEnd()
}
