import { BYTE_TO_CHARACTER, QWEN2_PIECES } from './byte-alphabet.ts'

/** A vocabulary as GGUF stores it: tokens by id, merges by rank, special tokens last. */
export interface Vocabulary {
  tokens: readonly string[]
  merges: readonly string[]
  /** Ids from here on are special tokens. */
  firstSpecial: number
}

/**
 * Learns a byte-level BPE vocabulary (Sennrich et al., 2016, arXiv 1508.07909): again and again the most
 * frequent neighbours become one token. Ties go to the pair that sorts first, so the result is a pure
 * function of the texts.
 *
 * The space before a word stays a token of its own, so that a word is spelled with the same tokens after a
 * space, after a quote and at the start: copying it is then copying tokens. Only the `spacedWords` most
 * frequent words of `MIN_SPACED_LETTERS` letters or more, with which few other words begin, take their space
 * with them, by the last merges.
 *
 * @param texts plain texts, without special tokens
 * @param size tokens in all, special ones included
 * @param spacedWords tokens kept for words with the space before them
 * @throws {RangeError} when the texts do not hold enough different pairs
 */
export function trainBpe(
  texts: Iterable<string>,
  size: number,
  specials: readonly string[],
  spacedWords = 0,
): Vocabulary {
  const pieces = countPieces(texts)
  const words = pieces.map(unspaced)
  const tokens = [...BYTE_TO_CHARACTER]
  const merges: string[] = []
  const pairs = new Map<string, { count: number; words: Set<Word> }>()
  const change = (pair: string, word: Word, by: number) => {
    const entry = pairs.get(pair) ?? { count: 0, words: new Set() }
    entry.count += by
    if (by > 0) entry.words.add(word)
    pairs.set(pair, entry)
  }
  for (const word of words) for (const pair of pairsOf(word.parts)) change(pair, word, word.count)

  while (tokens.length < size - specials.length - spacedWords) {
    let best = ''
    let most = 1
    for (const [pair, { count }] of pairs) {
      if (count > most || (count === most && best !== '' && pair < best)) {
        best = pair
        most = count
      }
    }
    if (best === '') throw new RangeError(`the texts hold pairs for ${tokens.length} tokens, not for ${size}`)
    const [left = '', right = ''] = best.split(' ')
    merges.push(best)
    tokens.push(left + right)
    for (const word of pairs.get(best)?.words ?? []) {
      for (const pair of pairsOf(word.parts)) change(pair, word, -word.count)
      word.parts = merged(word.parts, left, right)
      for (const pair of pairsOf(word.parts)) change(pair, word, word.count)
    }
    pairs.delete(best)
  }
  const known = new Set(tokens)
  const beginnings = new Map<string, number>()
  for (const { parts, count } of words) {
    const [first = ''] = parts
    if (parts.length > 1) beginnings.set(first, (beginnings.get(first) ?? 0) + count)
  }
  const isWhole = (word: string, count: number) =>
    known.has(word) && (beginnings.get(word) ?? 0) <= MAX_BEGINNING_SHARE * count
  const frequent = pieces
    .map(({ parts, count }) => ({ text: parts.join(''), count }))
    .filter(({ text, count }) => SPACED_WORD.test(text) && isWhole(text.slice(1), count))
    .sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1))
  if (frequent.length < spacedWords)
    throw new RangeError(`the texts hold ${frequent.length} words after spaces, not ${spacedWords}`)
  for (const { text } of frequent.slice(0, spacedWords)) {
    merges.push(`${SPACE} ${text.slice(1)}`)
    tokens.push(text)
  }
  return { tokens: [...tokens, ...specials], merges, firstSpecial: tokens.length }
}

/** The space as `BYTE_TO_CHARACTER` writes it. */
const SPACE = 'Ġ'
const MIN_SPACED_LETTERS = 3
/** Of other words beginning with a spaced word, to its own count. */
const MAX_BEGINNING_SHARE = 0.03
const SPACED_WORD = new RegExp(`^${SPACE}[A-Za-z]{${MIN_SPACED_LETTERS},}$`)

/** A piece without the space before its word. */
function unspaced({ parts, count }: Word): Word {
  const spaced = parts[0] === SPACE && /^[A-Za-z]$/.test(parts[1] ?? '')
  return { parts: spaced ? parts.slice(1) : parts, count }
}

interface Word {
  parts: string[]
  count: number
}

function countPieces(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const [piece] of text.matchAll(QWEN2_PIECES)) counts.set(piece, (counts.get(piece) ?? 0) + 1)
  }
  const encoder = new TextEncoder()
  return [...counts].map(([piece, count]) => ({
    parts: [...encoder.encode(piece)].map(byte => BYTE_TO_CHARACTER[byte] as string),
    count,
  }))
}

function pairsOf(parts: readonly string[]): string[] {
  return parts.slice(1).map((part, index) => `${parts[index]} ${part}`)
}

function merged(parts: readonly string[], left: string, right: string): string[] {
  const result: string[] = []
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] === left && parts[i + 1] === right) {
      result.push(left + right)
      i++
    } else result.push(parts[i] as string)
  }
  return result
}
