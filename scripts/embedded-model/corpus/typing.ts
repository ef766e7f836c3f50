import { type Piece, textOf } from './phrase.ts'
import type { Random } from './random.ts'

/** How often each habit of real typing is applied to a user's message. */
export interface TypingHabits {
  lowerCase: number
  upperCase?: number
  noFinalMark: number
  noApostrophes: number
  typo: number
  politeness: number
}

const TYPING: TypingHabits = {
  lowerCase: 0.4,
  noFinalMark: 0.35,
  noApostrophes: 0.3,
  typo: 0.02,
  politeness: 0.06,
}

const BEFORE = [
  'please ',
  'Please ',
  'pls ',
  'hey, ',
  'Hey, ',
  'ok, ',
  'Ok, ',
  'so, ',
  'Hello, ',
  'hi, ',
  'now ',
]
const AFTER = [' please', ', please', ' pls', ' thanks', ', thanks', ' thank you', ' :)']

const POLITE_WORDS = /^(?:(?:please|pls|hey|hi|hello|ok|so|now) )+|(?: (?:please|pls|thanks|thank you))+$/g

/** A normalised phrase without the words that `retype` may put around it: what is left is its wording. */
export function withoutPoliteness(normalised: string): string {
  return normalised.replace(POLITE_WORDS, '')
}

/**
 * Retypes a phrase as people do: lower case, no final mark, a slip of the finger, a "please". Only literal
 * pieces change; what came from a slot (numbers, names, texts) stays, because answers are made from it.
 */
export function retype(pieces: readonly Piece[], random: Random, habits: TypingHabits = TYPING): string {
  let result = pieces.map(piece => ({ ...piece }))
  const literal = (change: (text: string) => string) => {
    result = result.map(piece => (piece.literal ? { ...piece, text: change(piece.text) } : piece))
  }
  if (textOf(pieces).includes(' ') && random.chance(habits.politeness)) result = polite(result, random)
  if (random.chance(habits.lowerCase)) literal(text => text.toLowerCase())
  if (random.chance(habits.upperCase ?? 0)) literal(text => text.toUpperCase())
  if (random.chance(habits.noApostrophes)) literal(text => text.replaceAll("'", ''))
  if (random.chance(habits.typo)) result = withTypo(result, random)
  const last = result.at(-1)
  if (last?.literal && random.chance(habits.noFinalMark)) last.text = last.text.replace(/[.?!]+$/, '')
  return textOf(result).trim() || textOf(pieces)
}

function polite(pieces: Piece[], random: Random): Piece[] {
  const first = pieces[0]
  if (first?.literal && random.chance(0.6)) {
    const text = first.text.replace(/^[A-Z](?=[a-z'])/, letter => letter.toLowerCase())
    return [{ text: random.pick(BEFORE), literal: true }, { ...first, text }, ...pieces.slice(1)]
  }
  const last = pieces.at(-1)
  if (!last?.literal) return pieces
  const mark = /[.?!]*$/.exec(last.text)?.[0] ?? ''
  const text = last.text.slice(0, last.text.length - mark.length) + random.pick(AFTER) + mark
  return [...pieces.slice(0, -1), { ...last, text }]
}

/** One slip inside a word of five letters or more: two letters swapped, one lost or one doubled. */
function withTypo(pieces: Piece[], random: Random): Piece[] {
  const places: { piece: number; at: number }[] = []
  pieces.forEach((piece, index) => {
    if (!piece.literal) return
    for (const match of piece.text.matchAll(/[A-Za-z]{5,}/g)) {
      places.push({ piece: index, at: match.index + 1 + random.below(match[0].length - 3) })
    }
  })
  if (places.length === 0) return pieces
  const { piece, at } = random.pick(places)
  const text = (pieces[piece] as Piece).text
  const slip = random.below(3)
  const middle =
    slip === 0
      ? `${text[at + 1]}${text[at]}`
      : slip === 1
        ? `${text[at + 1]}`
        : `${text[at]}${text[at]}${text[at + 1]}`
  return pieces.map((p, index) =>
    index === piece ? { ...p, text: text.slice(0, at) + middle + text.slice(at + 2) } : p,
  )
}
