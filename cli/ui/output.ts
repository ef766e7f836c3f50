import { styleText } from 'node:util'
import Table from 'cli-table3'
import { ShoalError } from '../../protocol/errors.ts'

/** Where a command writes: results to stdout, everything else to stderr, JSON in place of both for scripts. */
export class Output {
  readonly json: boolean

  constructor(options: { json: boolean }) {
    this.json = options.json
  }

  /** A result: `view` for scripts, `text` for people. */
  result(view: unknown, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(view) : text()}\n`)
  }

  /** What happens on the way; for people only. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`)
  }

  /** An expected error with its code and fix; any other with its stack, since it is a defect. */
  error(error: unknown): void {
    if (this.json) {
      const shown =
        error instanceof ShoalError ? error.toJSON() : { code: 'INTERNAL', message: String(error) }
      process.stdout.write(`${JSON.stringify({ error: shown })}\n`)
      return
    }
    if (!(error instanceof ShoalError)) {
      process.stderr.write(
        `${paint('red', 'Defect')} ${error instanceof Error ? error.stack : String(error)}\n`,
      )
      return
    }
    process.stderr.write(`${paint('red', 'Error')} ${error.message} ${paint('dim', `(${error.code})`)}\n`)
    if (error.fix !== undefined) process.stderr.write(`${paint('yellow', '  Fix')} ${error.fix}\n`)
  }
}

type Style = Parameters<typeof styleText>[0]

/** Colours text where the terminal can show it (and `NO_COLOR` does not forbid it). */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr })
}

/** A plain table: a head, rows, two spaces in between. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const none = {
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
  const made = new Table({
    head: head.map(title => paint('bold', title)),
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: head.map((_, column) =>
      rows.length > 0 && rows.every(row => isNumeric(row[column])) ? 'right' : 'left',
    ),
  })
  made.push(...rows.map(row => row.map(String)))
  return made.toString()
}

/** Two columns: names and what they are. */
export function properties(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `${paint('dim', name.padEnd(width))}  ${value}`).join('\n')
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

function isNumeric(cell: string | number | undefined): boolean {
  return typeof cell === 'number' || /^[\d.,]+%?$/.test(cell ?? '')
}
