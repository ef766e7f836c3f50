import { createRequire } from 'node:module'
import { stripVTControlCharacters, styleText } from 'node:util'
import type CliTable3 from 'cli-table3'
import { expectedError } from '../expected-error.ts'
import { type Caller, copyable } from './hints.ts'
import { columnsOf, hasColours, printable } from './terminal.ts'

const load = createRequire(import.meta.url)

/** Where a command writes: results to stdout, everything else to stderr, JSON in place of both for scripts. */
export class Output {
  readonly json: boolean
  readonly #caller: Caller

  constructor(options: { json: boolean; caller: Caller }) {
    this.json = options.json
    this.#caller = options.caller
  }

  /** Columns that results have. */
  get columns(): number {
    return columnsOf(process.stdout, process.env)
  }

  /** A text for people with its commands as they have to be typed here. */
  copyable(text: string): string {
    return copyable(text, this.#caller)
  }

  /** A result: `view` for scripts, `text` for people. */
  result(view: unknown, text: () => string): void {
    process.stdout.write(
      `${this.json ? JSON.stringify(view) : plainUnless(hasColours(process.stdout), text())}\n`,
    )
  }

  /** One of several results, as it comes: a line of JSON for scripts; nothing where `text` is null. */
  line(view: unknown, text: () => string | null): void {
    if (this.json) process.stdout.write(`${JSON.stringify(view)}\n`)
    else {
      const words = text()
      if (words !== null) process.stderr.write(`${words}\n`)
    }
  }

  /** What happens on the way; for people only. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`)
  }

  /** An expected error with its code and fix; any other with its stack, since it is a defect. */
  error(error: unknown): void {
    const expected = expectedError(error)
    if (this.json) {
      const shown = expected?.toJSON() ?? { code: 'INTERNAL', message: String(error) }
      process.stdout.write(`${JSON.stringify({ error: shown })}\n`)
      return
    }
    if (expected === null) {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
      process.stderr.write(`${paint('red', 'Defect')} ${printable(stack)}\n`)
      return
    }
    const { message, code, fix } = expected
    process.stderr.write(`${paint('red', 'Error')} ${printable(message)} ${paint('dim', `(${code})`)}\n`)
    if (fix !== undefined)
      process.stderr.write(`${paint('yellow', '  Fix')} ${this.copyable(printable(fix))}\n`)
  }
}

type Style = Parameters<typeof styleText>[0]

/** Colours text where standard error shows it (and `NO_COLOR` does not forbid it). */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr })
}

function plainUnless(colours: boolean, text: string): string {
  return colours ? text : stripVTControlCharacters(text)
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** How a table is made to fit. */
export interface TableRoom {
  /** What the terminal has. */
  columns: number
  /** Titles of what may be left out where there is too little, the first first. */
  mayLack?: readonly string[]
}

/**
 * A plain table: a head, rows, two spaces in between. Where it does not fit, it says what it leaves out; where
 * that is not enough, each row becomes a block of lines.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  room: TableRoom = { columns: Number.POSITIVE_INFINITY },
): string {
  const cells = rows.map(row => row.map(cell => printable(String(cell)).replaceAll('\n', ' ')))
  const { columns } = room
  const mayLack = (room.mayLack ?? []).filter(title => head.includes(title))
  for (let lacking = 0; lacking <= mayLack.length; lacking++) {
    const lacks = mayLack.slice(0, lacking)
    const kept = head.flatMap((title, column) => (lacks.includes(title) ? [] : [column]))
    const drawn = draw(
      kept.map(column => head[column]!),
      cells.map(row => kept.map(column => row[column] ?? '')),
    )
    const width = Math.max(...drawn.map(line => stripVTControlCharacters(line).length))
    if (width > columns) continue
    return [
      ...drawn,
      ...(lacking === 0 ? [] : [paint('dim', `(no room for ${lacks.join(', ')}; --json has all)`)]),
    ].join('\n')
  }
  return cells
    .map(row => properties(row.map((cell, column) => [head[column] ?? '', cell] as const)))
    .join('\n\n')
}

function draw(head: readonly string[], cells: readonly (readonly string[])[]): string[] {
  // Loaded when there is a table to draw: most commands draw none.
  const Table = load('cli-table3') as typeof CliTable3
  const made = new Table({
    head: head.map(title => paint('bold', title)),
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: head.map(
      (_, column): CliTable3.HorizontalAlignment => (isNumericColumn(cells, column) ? 'right' : 'left'),
    ),
  })
  made.push(...cells.map(row => [...row]))
  return made
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
}

/** Two columns: names and what they are. Lines that follow one begin below it. @param style of the names */
export function properties(
  pairs: readonly (readonly [name: string, value: string])[],
  style: 'dim' | 'bold' = 'dim',
): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs
    .map(
      ([name, value]) =>
        `${paint(style, name.padEnd(width))}  ${value.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`,
    )
    .join('\n')
}

/** `12D3KooW…x7Qa`: enough to tell nodes apart. */
export function shortPeer(peerId: string): string {
  return `${peerId.slice(0, 8)}…${peerId.slice(-4)}`
}

/** `0x1234…abcd`. */
export function shortHex(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 8)}…${hex.slice(-4)}`
}

/** A model's name without its digest. */
export function modelName(id: string): string {
  return id.split('@')[0]!
}

/** A column of numbers, some of which may be unknown. */
function isNumericColumn(rows: readonly (readonly string[])[], column: number): boolean {
  const known = rows.map(row => row[column] ?? '-').filter(cell => cell !== '-' && cell !== '?')
  return known.length > 0 && known.every(cell => /^-?[\d.,]+( ?%| [MB])?$/.test(cell))
}
