import type { Adapter } from '../../../inference/learning/adapter.ts'
import { readAdapterFile } from '../../../inference/learning/adapter-file.ts'
import type { Piece } from '../../../inference/learning/examples/pieces.ts'
import { aggregate } from '../../../node/learning/aggregation/aggregate.ts'
import { makeDomains } from './domains.ts'
import { Federation } from './federation.ts'
import { Laboratory } from './laboratory.ts'

const MEMBERS = 8
const ROUNDS = 5
const STEPS_OF_ROUND = 32
const STEPS = ROUNDS * STEPS_OF_ROUND
const [RANK, ALPHA, ROWS, ROW_TOKENS] = [8, 16, 4, 64]
const LEARNING_RATE = 3e-3
/** Each member knows an eighth of what there is to know: a mean would take as small a part of each. */
const OUTER_LEARNING_RATE = 2

/** A loss after so many steps of each member. */
export interface GapPoint {
  step: number
  /** Nats per answer token on held-out wordings of all domains. */
  loss: number
  /** Of the round; left out where there is none. */
  elapsedMs?: number
  bytes?: number
}

export interface GapResults {
  steps: number
  base: number
  /** Mean over members that train alone. */
  local: number
  central: GapPoint[]
  federated: GapPoint[]
  naive: GapPoint[]
}

/** Trains the same members alone, together by rounds, by naive averaging, and on everything in one place. */
export class GapBench {
  readonly #laboratory: Laboratory
  readonly #heldOut: readonly Piece[]

  private constructor(laboratory: Laboratory, heldOut: readonly Piece[]) {
    this.#laboratory = laboratory
    this.#heldOut = heldOut
  }

  static async run(say: (what: string) => void): Promise<GapResults> {
    const domains = makeDomains({ seed: 1, domains: MEMBERS, factsPerDomain: 10 })
    const federation = await Federation.start({ domains })
    const laboratory = await Laboratory.open({
      ...{ rank: RANK, alpha: ALPHA, rows: ROWS, rowTokens: ROW_TOKENS },
      freezeA: false,
    })
    try {
      const heldOut = laboratory.pieces(domains.flatMap(domain => domain.heldOut))
      const bench = new GapBench(laboratory, heldOut)
      // What its own book lets each member train on: the others have no more.
      const data = (await federation.trainingExamples()).map(examples => laboratory.pieces(examples))
      const base = await bench.#loss(laboratory.beginning(0))
      say('members by rounds')
      const federated = await bench.#federated(federation, say)
      say('naive averaging')
      const naive = await bench.#naive(data)
      say('centralised')
      const central = await bench.#central(data.flat())
      say('members alone')
      const local = await bench.#local(data)
      return { steps: STEPS, base, local, central, federated, naive }
    } finally {
      await laboratory.close()
      await federation.stop()
    }
  }

  async #federated(federation: Federation, say: (what: string) => void): Promise<GapPoint[]> {
    const points: GapPoint[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { path, elapsedMs, wireBytes } = await federation.round(
        {
          ...{ rank: RANK, alpha: ALPHA, outerLearningRate: OUTER_LEARNING_RATE },
          training: {
            ...{ steps: STEPS_OF_ROUND, batchRows: ROWS, rowTokens: ROW_TOKENS },
            learningRate: learningRate(round),
          },
        },
        round + 1,
      )
      const loss = await this.#loss(await readAdapterFile(path))
      say(`round ${round + 1} of ${ROUNDS}: loss ${loss.toFixed(3)}, ${(elapsedMs / 1_000).toFixed(0)} s`)
      points.push({ step: (round + 1) * STEPS_OF_ROUND, loss, elapsedMs, bytes: wireBytes })
    }
    return points
  }

  async #naive(data: readonly (readonly Piece[])[]): Promise<GapPoint[]> {
    const points: GapPoint[] = []
    let current = this.#laboratory.beginning(1)
    for (let round = 0; round < ROUNDS; round++) {
      const updates = []
      for (const [index, pieces] of data.entries()) {
        const settings = { steps: STEPS_OF_ROUND, learningRate: learningRate(round), seed: round + 1 }
        const adapter = await this.#laboratory.train(`member ${index}`, pieces, current, settings)
        updates.push({ id: String(index), author: String(index), adapter, weight: 1 })
      }
      const options = {
        rule: 'average-factors' as const,
        name: 'naive',
        rank: RANK,
        alpha: ALPHA,
        outerLearningRate: 1,
      }
      current = aggregate(updates, current, options).adapter
      points.push({ step: (round + 1) * STEPS_OF_ROUND, loss: await this.#loss(current) })
    }
    return points
  }

  async #central(pieces: readonly Piece[]): Promise<GapPoint[]> {
    const points: GapPoint[] = []
    const settings = { steps: STEPS, learningRate: LEARNING_RATE, seed: 1 }
    const adapter = await this.#laboratory.train('central', pieces, this.#laboratory.beginning(1), settings)
    points.push({ step: STEPS, loss: await this.#loss(adapter) })
    return points
  }

  async #local(data: readonly (readonly Piece[])[]): Promise<number> {
    let sum = 0
    for (const [index, pieces] of data.entries()) {
      const settings = { steps: STEPS, learningRate: LEARNING_RATE, seed: 1 }
      const beginning = this.#laboratory.beginning(1)
      sum += await this.#loss(await this.#laboratory.train(`alone ${index}`, pieces, beginning, settings))
    }
    return sum / data.length
  }

  #loss(adapter: Adapter): Promise<number> {
    return this.#laboratory.loss(adapter, this.#heldOut)
  }
}

/** Falls from round to round as the cosine of one training does from step to step, to a tenth. */
function learningRate(round: number): number {
  return LEARNING_RATE * (0.1 + 0.45 * (1 + Math.cos((Math.PI * round) / ROUNDS)))
}
