import { initialFactors } from '../../inference/learning/initial-factors.ts'
import { JaxModel } from '../../inference/learning/jax/model.ts'
import { adamWStep, initialAdamWState } from '../../inference/learning/jax-trainer/adamw.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import { type Bench, type BenchRow, median, ratioRow } from './row.ts'
import { wholeGraphStep } from './whole-graph-step.ts'

const ROWS = 4
const ROW_TOKENS = 64
const ROUNDS = 12
const RANK = 8
const ALPHA = 16
const BASES = [
  { suffix: '', name: 'the embedded nano model', file: 'shoal-nano-q8_0.gguf' },
  { suffix: '.mini', name: 'the embedded mini model', file: 'shoal-mini-q8_0.gguf' },
] as const

/** How fast an adapter learns, beside a step written as one function of the whole model. */
export const learningStepBench: Bench = {
  rows: BASES.map(({ suffix }) => `learn.step.rate${suffix}`),
  async run(wanted) {
    const rows: BenchRow[] = []
    for (const { suffix, name, file } of BASES) {
      const row = `learn.step.rate${suffix}`
      if (!wanted(row)) continue
      const { ours, whole } = await measure(embedded(file))
      const tokens = ROWS * ROW_TOKENS
      const value = (tokens * 1_000) / median(ours)
      const baseline = value / median(whole.map((ms, round) => ms / ours[round]!))
      rows.push(
        ratioRow(
          {
            name: row,
            unit: 'tokens/s',
            value,
            baseline,
            note: `tokens trained in a second of one core's time on ${name}, ${ROWS} rows of ${ROW_TOKENS}, rank ${RANK} on all linear layers, optimiser included; beside the whole model differentiated as one function (the formulation that took 68 ms a step); ${median(ours).toFixed(0)} ms a step, median of ${ROUNDS} paired rounds`,
          },
          { atLeast: 1 },
        ),
      )
    }
    return rows
  },
}

function embedded(file: string): string {
  return new URL(`../../inference/models/embedded/${file}`, import.meta.url).pathname
}

/** CPU time of both, in milliseconds, round by round. */
async function measure(path: string): Promise<{ ours: number[]; whole: number[] }> {
  const model = await JaxModel.open({
    path,
    rank: RANK,
    alpha: ALPHA,
    modules: ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down', 'output'],
    backend: 'wasm',
    rows: ROWS,
    rowTokens: ROW_TOKENS,
  })
  const factors = initialFactors(model.modules, { rank: RANK, seed: 1 })
  model.setParameters(factors)
  const arrays = factors.flatMap(({ a, b }) => [a, b])
  const state = initialAdamWState(arrays.map(({ length }) => length))
  const options = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, learningRate: 1e-4, scale: 1 }
  const random = seededRandom(3)
  const tokens = () => Int32Array.from({ length: ROWS * ROW_TOKENS }, () => Math.floor(random() * 1_000))
  const batch = { tokens: tokens(), targets: tokens(), weights: new Float32Array(ROWS * ROW_TOKENS).fill(1) }
  const ourStep = async () => {
    const { gradients } = await model.gradients(batch)
    adamWStep(
      arrays,
      gradients.flatMap(({ a, b }) => [a, b]),
      state,
      options,
    )
    model.setParameters(factors)
  }
  const whole = await wholeGraphStep(path, { rows: ROWS, tokens: ROW_TOKENS, rank: RANK, alpha: ALPHA })
  const [oursMs, wholeMs]: [number[], number[]] = [[], []]
  for (let round = -3; round < ROUNDS; round++) {
    const ours = await cpuMs(ourStep)
    const other = await cpuMs(() => whole.step(batch))
    // The first ones compile.
    if (round < 0) continue
    oursMs.push(ours)
    wholeMs.push(other)
  }
  model.close()
  whole.close()
  return { ours: oursMs, whole: wholeMs }
}

/** Of this thread, so that the machine's other work weighs less. */
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}
