import type { Random } from './random.ts'

/** A piece of a phrase: `literal` pieces come from the template and may be retyped, the others may not. */
export interface Piece {
  text: string
  literal: boolean
}

const SLOT = /(\{[A-Za-z]\w*\})/

/**
 * Expands a template: `[a|b|c]` is one of the alternatives (they may nest), `{slot}` a value.
 * @throws {RangeError} on an unknown slot or an unclosed bracket
 */
export function expand(template: string, slots: Readonly<Record<string, string>>, random: Random): Piece[] {
  const chosen = resolve(template, random)
  const pieces: Piece[] = []
  for (const part of chosen.split(SLOT)) {
    if (part === '') continue
    if (!SLOT.test(part)) {
      pieces.push({ text: part, literal: true })
      continue
    }
    const value = slots[part.slice(1, -1)]
    if (value === undefined) throw new RangeError(`template has no value for ${part}: ${template}`)
    pieces.push({ text: value, literal: false })
  }
  return pieces
}

/**
 * A task around a text `{s}` as people paste it: sometimes in quotes, sometimes on a line of its own.
 */
export function framed(task: string, random: Random): string {
  const onLine = random.chance(0.12) ? task.replace(': {s}', ':\n{s}').replace('? {s}', '?\n{s}') : task
  return random.chance(0.1) && !task.includes('"') ? onLine.replace('{s}', '"{s}"') : onLine
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map(piece => piece.text).join('')
}

/** A template with its alternatives chosen and its slots left. */
export function resolve(template: string, random: Random): string {
  return choose(template, alternatives => random.pick(alternatives))
}

/** Every way a template's alternatives can be chosen, slots left as they are. */
export function skeletons(template: string): string[] {
  const open = template.indexOf('[')
  if (open < 0) return [template]
  const close = closingBracket(template, open)
  const before = template.slice(0, open)
  const rests = skeletons(template.slice(close + 1))
  return alternativesOf(template.slice(open + 1, close)).flatMap(alternative =>
    skeletons(alternative).flatMap(middle => rests.map(rest => before + middle + rest)),
  )
}

/** What makes two phrasings the same to a reader: letters, digits and slots; no case, spaces or marks. */
export function normalise(phrase: string): string {
  return phrase
    .toLowerCase()
    .replace(/[^\p{L}\p{N}{}]+/gu, ' ')
    .trim()
}

function choose(template: string, pick: (alternatives: string[]) => string): string {
  const open = template.indexOf('[')
  if (open < 0) return template
  const close = closingBracket(template, open)
  const middle = choose(pick(alternativesOf(template.slice(open + 1, close))), pick)
  return template.slice(0, open) + middle + choose(template.slice(close + 1), pick)
}

function closingBracket(template: string, open: number): number {
  let depth = 0
  for (let i = open; i < template.length; i++) {
    if (template[i] === '[') depth++
    if (template[i] === ']' && --depth === 0) return i
  }
  throw new RangeError(`unclosed bracket in template: ${template}`)
}

function alternativesOf(inside: string): string[] {
  const result: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i <= inside.length; i++) {
    if (inside[i] === '[') depth++
    if (inside[i] === ']') depth--
    if (i === inside.length || (inside[i] === '|' && depth === 0)) {
      result.push(inside.slice(start, i))
      start = i + 1
    }
  }
  return result
}
