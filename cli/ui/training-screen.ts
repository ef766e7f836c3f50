import type { TrainingProgress } from '../../inference/learning/trainer.ts'
import { drawLines } from './line-chart.ts'
import { readableSpan } from './readable.ts'
import { thinned } from './sparkline.ts'
import { columnsOf, type TerminalStream } from './terminal.ts'

const REDRAW_INTERVAL_MS = 200
const CHART_ROWS = 8
const AXIS_COLUMNS = 12
const MAX_CHART_COLUMNS = 72
const BAR_CHARS = 24

/** Progress of a training on a terminal: its loss curve and a bar, drawn over themselves. Elsewhere a line now and then. */
export class TrainingScreen {
  readonly #stream: TerminalStream
  readonly #curve: TrainingProgress[] = []
  #drawnRows = 0
  #drawnAtMs = Number.NEGATIVE_INFINITY
  #toldShare = 0

  /** @param stream where it is drawn */
  constructor(stream: TerminalStream) {
    this.#stream = stream
  }

  show(progress: TrainingProgress): void {
    this.#curve.push(progress)
    if (this.#stream.isTTY !== true) {
      this.#tell(progress)
      return
    }
    if (progress.elapsedMs - this.#drawnAtMs < REDRAW_INTERVAL_MS) return
    this.#drawnAtMs = progress.elapsedMs
    const columns = columnsOf(this.#stream, {})
    const text = `${drawLossCurve(this.#curve, columns)}\n${barOf(progress).slice(0, columns - 1)}\n`
    this.#clear()
    this.#stream.write(text)
    this.#drawnRows = text.split('\n').length - 1
  }

  /** Takes all of it away; idempotent. */
  stop(): void {
    this.#clear()
  }

  #clear(): void {
    if (this.#drawnRows > 0) this.#stream.write(`\u001b[${this.#drawnRows}A\u001b[0J`)
    this.#drawnRows = 0
  }

  /** A line for each tenth of the way. */
  #tell(progress: TrainingProgress): void {
    const share = Math.floor((10 * progress.step) / progress.steps)
    if (share === this.#toldShare) return
    this.#toldShare = share
    this.#stream.write(`${barOf(progress)}\n`)
  }
}

/** Losses over steps: of each step, and where it was measured of the held-out text. Empty where there are too few. */
export function drawLossCurve(curve: readonly TrainingProgress[], columns: number): string {
  const width = Math.max(8, Math.min(MAX_CHART_COLUMNS, columns - AXIS_COLUMNS))
  const losses = known(
    curve.map(({ loss }) => loss),
    width,
  )
  if (losses.length < 2) return ''
  const heldOut = curve.some(({ heldOutLoss }) => heldOutLoss !== null)
    ? known(
        curve.map(({ heldOutLoss }) => heldOutLoss),
        width,
      )
    : []
  const isColoured = heldOut.length > 1
  const drawn = drawLines(isColoured ? [losses, heldOut] : [losses], {
    rows: CHART_ROWS,
    format: value => value.toFixed(value < 100 ? 3 : 0).padStart(8),
  })
  return isColoured ? `${drawn}\n${' '.repeat(10)}blue: loss, green: held out` : drawn
}

function known(values: readonly (number | null)[], width: number): number[] {
  let last: number | null = values.find(value => value !== null) ?? null
  return thinned(values, width).flatMap(value => {
    last = value ?? last
    return last === null ? [] : [last]
  })
}

function barOf({ step, steps, loss, heldOutLoss, tokensPerSecond, elapsedMs }: TrainingProgress): string {
  const done = Math.round((BAR_CHARS * step) / steps)
  const left = step === 0 ? '' : `, ${readableSpan((elapsedMs / step) * (steps - step))} left`
  const held = heldOutLoss === null ? '' : `, held out ${heldOutLoss.toFixed(4)}`
  return `· ${'█'.repeat(done)}${'░'.repeat(BAR_CHARS - done)} ${step} of ${steps}, loss ${loss.toFixed(4)}${held}, ${Math.round(tokensPerSecond)} tokens/s${left}`
}
