import type { TrainingRow } from './data-set.ts'
import { Duplicates } from './duplicates/duplicates.ts'
import { wordsOf } from './duplicates/words.ts'
import { isTooShort, textRows } from './formats/documents.ts'
import { readSource } from './formats/read-source.ts'
import type { DropReason, Piece, SourceFormat } from './formats/source.ts'
import { type Found, PiiFilter } from './pii/pii-filter.ts'
import type { PiiKind, PiiMode } from './pii/pii-kinds.ts'
import { estimatedTokens, textOf } from './row-text.ts'
import { groupOf, Split } from './split.ts'

export interface IntakeOptions {
  pii: PiiMode
  /** Names to be removed, beside those of who takes part in chats. */
  names: readonly string[]
  /** Also names after titles and salutations. */
  titledNames: boolean
  /** Who the owner is in chats among people. */
  me: string | null
  /** Keep rows that are nearly the same as others. */
  keepSimilar: boolean
  /** Read at most. */
  maxBytes: number
}

export const DEFAULT_INTAKE: IntakeOptions = {
  pii: 'redact',
  names: [],
  titledNames: false,
  me: null,
  keepSimilar: false,
  maxBytes: 4 * 1024 ** 3,
}

/** What there is in a source, what of it would be kept, and why the rest would not. */
export interface IntakeReport {
  formats: Partial<Record<SourceFormat, number>>
  readBytes: number
  rows: number
  dropped: Partial<Record<DropReason, number>>
  groups: number
  heldOut: { rows: number; groups: number }
  estimatedTokens: number
  /** Of what is kept. */
  bytes: number
  pii: { mode: PiiMode; found: Partial<Record<PiiKind, number>>; rows: number; hints: Found[] }
  /** Who takes part in chats; some of them where there are many. */
  people: string[]
  samples: { kept: string[]; dropped: { reason: DropReason; sample: string }[] }
  /** Whether there were so many rows that the later ones were not compared by likeness. */
  comparedAll: boolean
}

export interface KeptRow {
  group: string
  row: TrainingRow
  /** What duplicates of it are known by. */
  print: Uint8Array
}

const MAX_SAMPLES = 3
const MAX_DROPPED_SAMPLES = 2
const MAX_HINTS = 3
const MAX_PEOPLE = 50
const SAMPLE_CHARS = 400
/** Rows after which others have their turn. */
const ROWS_A_TURN = 64

/** Reads a source row by row: filtered, without duplicates, in groups; and counts. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #duplicates: Duplicates
  readonly #filter: PiiFilter
  readonly #split = new Split()
  readonly #report: IntakeReport
  readonly #droppedSamples = new Map<DropReason, number>()
  readonly #hints = new Map<PiiKind, number>()
  /** The source's name of the current group, and ours. */
  #sourceGroup: string | null = null
  #group = ''

  /** @param modules.duplicates knows the rows of the other data sets */
  constructor(options: IntakeOptions, modules: { duplicates?: Duplicates } = {}) {
    this.#options = options
    this.#duplicates = modules.duplicates ?? new Duplicates({ keepSimilar: options.keepSimilar })
    this.#filter = new PiiFilter({ titledNames: options.titledNames, names: options.names })
    this.#report = {
      formats: {},
      readBytes: 0,
      rows: 0,
      dropped: {},
      groups: 0,
      heldOut: { rows: 0, groups: 0 },
      estimatedTokens: 0,
      bytes: 0,
      pii: { mode: options.pii, found: {}, rows: 0, hints: [] },
      people: [],
      samples: { kept: [], dropped: [] },
      comparedAll: true,
    }
  }

  /** @throws {DataError} DATA_UNREADABLE, CANCELLED */
  async *rows(path: string, signal?: AbortSignal): AsyncGenerator<KeptRow> {
    const { me, maxBytes } = this.#options
    const onBytes = (bytes: number) => {
      this.#report.readBytes += bytes
    }
    let sinceTurn = 0
    for await (const piece of readSource(path, {
      me,
      maxBytes,
      onBytes,
      ...(signal === undefined ? {} : { signal }),
    })) {
      yield* this.#take(piece)
      if (++sinceTurn < ROWS_A_TURN) continue
      sinceTurn = 0
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  /** What has come so far; complete once `rows` has ended. */
  report(): IntakeReport {
    return {
      ...this.#report,
      groups: this.#split.groups,
      heldOut: this.#split.heldOut,
      comparedAll: !this.#duplicates.isFull,
    }
  }

  *#take(piece: Piece): Generator<KeptRow> {
    switch (piece.kind) {
      case 'file':
        this.#report.formats[piece.format] = (this.#report.formats[piece.format] ?? 0) + 1
        return
      case 'person':
        if (this.#report.people.length < MAX_PEOPLE) this.#report.people.push(piece.name)
        if (this.#options.pii !== 'keep') this.#filter.alsoName(piece.name)
        return
      case 'dropped':
        this.#drop(piece.reason, piece.sample)
        return
      case 'text': {
        // Before it is cut, so that nothing hides in two rows.
        const text = this.#clean(piece.text)
        if (text === null) return
        for (const row of textRows(text, piece.markdown)) {
          if (isTooShort(row)) this.#drop('too_short', row)
          else yield* this.#keep(piece.group, { text: row })
        }
        return
      }
      case 'row': {
        const row = this.#cleanRow(piece.row)
        if (row !== null) yield* this.#keep(piece.group, row)
      }
    }
  }

  *#keep(sourceGroup: string, row: TrainingRow): Generator<KeptRow> {
    const text = textOf(row)
    const words = wordsOf(text)
    if (words.length === 0) {
      this.#drop('too_short', text)
      return
    }
    if (this.#sourceGroup !== sourceGroup) {
      this.#sourceGroup = sourceGroup
      this.#group = groupOf(words)
    }
    const print = this.#duplicates.add(words)
    if (typeof print === 'string') {
      this.#drop(print, text)
      return
    }
    this.#split.add(this.#group)
    this.#report.rows++
    this.#report.estimatedTokens += estimatedTokens(text)
    this.#report.bytes += Buffer.byteLength(JSON.stringify(row)) + 1
    if (this.#report.samples.kept.length < MAX_SAMPLES)
      this.#report.samples.kept.push(text.slice(0, SAMPLE_CHARS))
    yield { group: this.#group, row, print }
  }

  #cleanRow(row: TrainingRow): TrainingRow | null {
    if ('text' in row) {
      const text = this.#clean(row.text)
      return text === null ? null : { text }
    }
    if ('prompt' in row) {
      const [prompt, completion] = [this.#clean(row.prompt), this.#clean(row.completion)]
      return prompt === null || completion === null ? null : { prompt, completion }
    }
    const messages = []
    for (const { role, content } of row.messages) {
      const cleaned = this.#clean(content)
      if (cleaned === null) return null
      messages.push({ role, content: cleaned })
    }
    return { messages }
  }

  /** @returns null where it is left out for what is in it */
  #clean(text: string): string | null {
    const { text: filtered, found } = this.#filter.filter(text)
    if (found.length === 0) return text
    const { pii } = this.#report
    pii.rows++
    for (const one of found) {
      pii.found[one.kind] = (pii.found[one.kind] ?? 0) + 1
      const hints = this.#hints.get(one.kind) ?? 0
      if (hints >= MAX_HINTS) continue
      this.#hints.set(one.kind, hints + 1)
      pii.hints.push(one)
    }
    if (this.#options.pii === 'keep') return text
    if (this.#options.pii === 'redact') return filtered
    this.#drop('personal_data', filtered)
    return null
  }

  #drop(reason: DropReason, sample: string): void {
    const { dropped, samples } = this.#report
    dropped[reason] = (dropped[reason] ?? 0) + 1
    const shown = this.#droppedSamples.get(reason) ?? 0
    if (shown >= MAX_DROPPED_SAMPLES) return
    this.#droppedSamples.set(reason, shown + 1)
    // What is dropped before it is filtered may hold anything.
    samples.dropped.push({ reason, sample: this.#filter.filter(sample.slice(0, SAMPLE_CHARS)).text })
  }
}
