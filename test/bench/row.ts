/** One result of the benchmark: a value beside what a user would otherwise have, measured in the same run. */
export interface BenchRow {
  name: string
  unit: string
  value: number
  /** The same of the other thing; null where there is none. */
  baseline: number | null
  /** value / baseline. */
  ratio: number | null
  /** In words, such as `ratio >= 0.95`. */
  goal: string
  ok: boolean
  /** What was compared with what. */
  note: string
}

/** A group of rows that are measured together. */
export interface Bench {
  /** Names of the rows it makes. */
  rows: readonly string[]
  /** Measures, as far as rows are wanted. */
  run(wanted: (name: string) => boolean): Promise<BenchRow[]>
}

type Goal = { atLeast: number } | { atMost: number }

/** A row whose goal is on the ratio to its baseline. */
export function ratioRow(
  row: Pick<BenchRow, 'name' | 'unit' | 'value' | 'note'> & { baseline: number },
  goal: Goal,
): BenchRow {
  const ratio = row.value / row.baseline
  return {
    ...row,
    value: round(row.value),
    baseline: round(row.baseline),
    ratio: round(ratio),
    ...judge(ratio, goal, 'ratio'),
  }
}

/** A row whose goal is on the value itself; its baseline is there to compare. */
export function valueRow(
  row: Pick<BenchRow, 'name' | 'unit' | 'value' | 'note'> & { baseline: number | null },
  goal: Goal,
): BenchRow {
  const ratio = row.baseline === null ? null : round(row.value / row.baseline)
  const baseline = row.baseline === null ? null : round(row.baseline)
  return { ...row, value: round(row.value), baseline, ratio, ...judge(row.value, goal, 'value') }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function judge(measured: number, goal: Goal, what: string): Pick<BenchRow, 'goal' | 'ok'> {
  return 'atLeast' in goal
    ? { goal: `${what} >= ${goal.atLeast}`, ok: measured >= goal.atLeast }
    : { goal: `${what} <= ${goal.atMost}`, ok: measured <= goal.atMost }
}

function round(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4))
}
