import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import xterm, { type IBufferCell } from '@xterm/headless'

/**
 * Draws the picture of README: runs the demo in a terminal without a screen and writes what it shows as SVG.
 *
 *     node scripts/picture.ts [FILE]
 */
const COLUMNS = 142
const MAX_ROWS = 200
const CHARACTER_WIDTH_PX = 8.4
const LINE_HEIGHT_PX = 19
const MARGIN_PX = 20
const TITLE_HEIGHT_PX = 34
const COLOURS = {
  background: '#0d1b24',
  bar: '#15293a',
  text: '#d5e3ea',
  dim: '#7f99a8',
  palette: ['#0d1b24', '#ff7b72', '#6fdd8b', '#e3c15b', '#6cb6ff', '#d2a8ff', '#56d4dd', '#d5e3ea'],
}

const root = fileURLToPath(new URL('..', import.meta.url))
const out = process.argv[2] ?? fileURLToPath(new URL('../docs/demo.svg', import.meta.url))

async function demoOutput(): Promise<string> {
  const child = spawn(process.execPath, ['cli/main.ts', 'demo', '--once'], {
    cwd: root,
    env: { ...process.env, FORCE_COLOR: '1', COLUMNS: String(COLUMNS) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`the demo failed:\n${text}`)
  return text
}

interface Run {
  column: number
  text: string
  style: string
}

function styleOf(cell: IBufferCell): string {
  const colour = cell.isFgPalette() ? COLOURS.palette[cell.getFgColor() % 8] : undefined
  const fill = colour ?? (cell.isDim() ? COLOURS.dim : undefined)
  return (
    (fill === undefined ? '' : ` fill="${fill}"`) +
    (cell.isBold() ? ' font-weight="bold"' : '') +
    (cell.isItalic() ? ' font-style="italic"' : '')
  )
}

/** Neighbouring cells of one style are drawn together. */
function runsOf(terminal: InstanceType<typeof xterm.Terminal>, row: number): Run[] {
  const line = terminal.buffer.active.getLine(row)
  const runs: Run[] = []
  for (let column = 0; line !== undefined && column < COLUMNS; column++) {
    const cell = line.getCell(column)
    if (cell === undefined || cell.getWidth() === 0) continue
    const last = runs.at(-1)
    const style = styleOf(cell)
    if (last?.style === style) last.text += cell.getChars() || ' '
    else runs.push({ column, text: cell.getChars() || ' ', style })
  }
  return runs.flatMap(wordsOf)
}

/** Viewers disagree on what becomes of several spaces, so none are drawn. */
function wordsOf({ column, text, style }: Run): Run[] {
  return Array.from(text.matchAll(/\S+(?: \S+)*/g), ({ 0: words, index }) => ({
    column: column + index,
    text: words,
    style,
  }))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function svgOf(lines: readonly Run[][]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH_PX + 2 * MARGIN_PX)
  const height = TITLE_HEIGHT_PX + lines.length * LINE_HEIGHT_PX + 2 * MARGIN_PX
  const texts = lines.flatMap((runs, row) =>
    runs.map(({ column, text, style }) => {
      const x = (MARGIN_PX + column * CHARACTER_WIDTH_PX).toFixed(1)
      const y = TITLE_HEIGHT_PX + MARGIN_PX + (row + 0.75) * LINE_HEIGHT_PX
      const length = ([...text].length * CHARACTER_WIDTH_PX).toFixed(1)
      return `<text x="${x}" y="${y.toFixed(1)}" textLength="${length}"${style}>${escaped(text)}</text>`
    }),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The demo's terminal">
<rect width="${width}" height="${height}" rx="10" fill="${COLOURS.background}"/>
<path d="M0 ${TITLE_HEIGHT_PX}V10a10 10 0 0 1 10-10h${width - 20}a10 10 0 0 1 10 10v${TITLE_HEIGHT_PX - 10}z" fill="${COLOURS.bar}"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="${COLOURS.text}">
<text x="${width / 2}" y="22" text-anchor="middle" fill="${COLOURS.dim}">npm install &amp;&amp; npm run demo</text>
${texts.join('\n')}
</g>
</svg>
`
}

const terminal = new xterm.Terminal({
  cols: COLUMNS,
  rows: MAX_ROWS,
  allowProposedApi: true,
  convertEol: true,
})
const text = await demoOutput()
await new Promise<void>(resolve => terminal.write(text, resolve))
const lines = Array.from({ length: MAX_ROWS }, (_, row) => runsOf(terminal, row))
const first = lines.findIndex(runs => runs.length > 0)
const last = lines.findLastIndex(runs => runs.length > 0)
await writeFile(out, svgOf(lines.slice(first, last + 1)))
console.log(`Wrote ${out}`)
