import { NAME_DETECTORS, PII_DETECTORS } from './patterns.ts'
import type { PiiKind } from './pii-kinds.ts'
import type { Detector } from './secrets.ts'

export interface PiiFilterOptions {
  /** Also names after titles and salutations; default false. */
  titledNames?: boolean
  /** Names to be removed wherever they stand, each also part by part. */
  names?: readonly string[]
}

export interface Found {
  kind: PiiKind
  /** Enough to recognise it by, never the whole. */
  hint: string
}

export interface Filtered {
  text: string
  found: Found[]
}

/** Shorter parts of names are too often words. */
const MIN_NAME_CHARS = 3
const MAX_NAMES = 10_000

/**
 * Finds personal data and secrets in text, and puts the name of what it was in its place: `[email]`. It rather takes too
 * much than too little, and finds what has a form; what only a reader knows to be personal stays.
 */
export class PiiFilter {
  readonly #detectors: readonly (readonly [PiiKind, readonly Detector[]])[]
  readonly #names = new Set<string>()
  #namePattern: RegExp | null = null

  constructor(options: PiiFilterOptions = {}) {
    this.#detectors =
      options.titledNames === true ? [...PII_DETECTORS, ['name', NAME_DETECTORS]] : PII_DETECTORS
    for (const name of options.names ?? []) this.alsoName(name)
  }

  /** Has a name removed from now on, as of somebody who takes part in a chat. */
  alsoName(name: string): void {
    const parts = name.match(/[\p{L}'’-]+/gu) ?? []
    for (const part of [name.trim(), ...parts]) {
      if (part.length < MIN_NAME_CHARS || !/\p{L}/u.test(part) || this.#names.size >= MAX_NAMES) continue
      if (this.#names.has(part)) continue
      this.#names.add(part)
      this.#namePattern = null
    }
  }

  filter(text: string): Filtered {
    const found: Found[] = []
    let filtered = text
    for (const [kind, detectors] of this.#detectors)
      for (const detector of detectors) filtered = replace(filtered, kind, detector, found)
    if (this.#names.size > 0) filtered = replace(filtered, 'name', { pattern: this.#pattern() }, found)
    return { text: filtered, found }
  }

  #pattern(): RegExp {
    if (this.#namePattern === null) {
      const names = [...this.#names]
        .sort((a, b) => b.length - a.length)
        .map(name => name.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      this.#namePattern = new RegExp(
        String.raw`(?<![\p{L}\p{N}])(?:${names.join('|')})(?![\p{L}\p{N}])`,
        'gu',
      )
    }
    return this.#namePattern
  }
}

function replace(text: string, kind: PiiKind, { pattern, part }: Detector, found: Found[]): string {
  return text.replace(pattern, (match: string, ...rest: unknown[]) => {
    const offset = rest.findIndex(value => typeof value === 'number')
    const groups = rest.slice(0, offset) as (string | undefined)[]
    const taken = part === undefined ? match : part(match, groups)
    if (taken === null || taken === '') return match
    const at = match.lastIndexOf(taken)
    // What follows it on the same line stays: only trailing space was taken by greed.
    const trimmed = taken.trimEnd()
    found.push({ kind, hint: hintOf(kind, trimmed) })
    return `${match.slice(0, at)}[${kind}]${match.slice(at + trimmed.length)}`
  })
}

/** A few of its first characters, fewer than half of it. */
function hintOf(kind: PiiKind, text: string): string {
  const shown = Math.min(kind === 'secret' ? 4 : 3, Math.floor(text.length / 3))
  return `${text.slice(0, shown).replace(/\s/g, ' ')}… (${text.length} characters)`
}
