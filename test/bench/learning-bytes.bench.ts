import { fileURLToPath } from 'node:url'
import type { Adapter } from '../../inference/learning/adapter.ts'
import { compressUpdate } from '../../inference/learning/compression/compress-update.ts'
import {
  type CompressionSettings,
  compressionSettingsSchema,
} from '../../inference/learning/compression/compression-settings.ts'
import { decompressUpdate } from '../../inference/learning/compression/update-format.ts'
import type { Piece } from '../../inference/learning/examples/pieces.ts'
import { readGgufHead } from '../../inference/models/gguf-head.ts'
import { makeDomains } from './learning/domains.ts'
import { Laboratory } from './learning/laboratory.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

const NANO = fileURLToPath(new URL('../../inference/models/embedded/shoal-nano-q8_0.gguf', import.meta.url))
const F32_BYTES = 4
const STEPS = 120
const LEARNING_RATE = 3e-3
/** Rounds in which what was left out is sent, or is not. */
const ROUNDS = 4
const settingsOf = (density: number, bits: number) => compressionSettingsSchema.parse({ density, bits })
/** What is sent by default. */
const DEFAULTS = compressionSettingsSchema.parse({})
const TABLE = [
  settingsOf(1, 8),
  settingsOf(0.5, 8),
  settingsOf(1, 4),
  settingsOf(1, 2),
  settingsOf(0.5, 4),
  settingsOf(0.5, 3),
  DEFAULTS,
  settingsOf(0.5, 1),
  settingsOf(0.4, 1),
  settingsOf(0.25, 2),
  settingsOf(0.1, 2),
  // As SparseLoCo has it: 64 of 4,096 with 2 bits.
  settingsOf(1 / 64, 2),
]
/** Few enough that much is left out of each round. */
const SCARCE = settingsOf(0.1, 2)

/** What an update takes on its way, and what of its learning arrives. */
export const learningBytesBench: Bench = {
  rows: ['learn.bytes.ratio', 'learn.bytes.kept'],
  async run(wanted) {
    const laboratory = await Laboratory.open({ rank: 8, alpha: 16, rows: 4, rowTokens: 64, freezeA: false })
    try {
      const [domain] = makeDomains({ seed: 7, domains: 1, factsPerDomain: 10 })
      const training = laboratory.pieces(domain!.training)
      const heldOut = laboratory.pieces(domain!.heldOut)
      const world = { laboratory, training, heldOut, beginning: laboratory.beginning(7) }
      const [ratio, kept] = await oneRound(world)
      const rows: BenchRow[] = []
      if (wanted(ratio.name)) rows.push(ratio)
      if (wanted(kept.name)) rows.push({ ...kept, note: `${kept.note}. ${await severalRounds(world)}` })
      return rows
    } finally {
      await laboratory.close()
    }
  },
}

interface World {
  laboratory: Laboratory
  training: readonly Piece[]
  heldOut: readonly Piece[]
  beginning: Adapter
}

async function oneRound({ laboratory, training, heldOut, beginning }: World): Promise<[BenchRow, BenchRow]> {
  const settings = { steps: STEPS, learningRate: LEARNING_RATE, seed: 7 }
  const update = await laboratory.train('update', training, beginning, settings)
  const [before, after] = [await laboratory.loss(beginning, heldOut), await laboratory.loss(update, heldOut)]
  const denseBytes = F32_BYTES * (await parametersOf(NANO))
  const adapterBytes = update.modules.reduce((sum, { a, b }) => sum + F32_BYTES * (a.length + b.length), 0)
  const measured = []
  for (const compression of TABLE) {
    const { bytes } = await compressUpdate(update, {
      parent: beginning,
      settings: compression,
      residual: null,
    })
    const loss = await laboratory.loss(await decompressUpdate(bytes, { parent: beginning }), heldOut)
    const kept = (before - loss) / (before - after)
    measured.push({ compression, bytes: bytes.length, loss, kept })
  }
  const table = measured.map(({ compression: { density, bits }, bytes, loss, kept }) =>
    [
      `${percent(density)} of the weights at ${bits} bit${bits === 1 ? '' : 's'}: ${bytes} B`,
      `${(denseBytes / bytes).toFixed(0)}x dense, ${(adapterBytes / bytes).toFixed(1)}x adapter`,
      `loss ${loss.toFixed(3)}, ${percent(kept)} kept`,
    ].join(', '),
  )
  const chosen = measured.find(({ compression }) => compression === DEFAULTS)!
  return [
    valueRow(
      {
        name: 'learn.bytes.ratio',
        unit: 'times less',
        value: denseBytes / chosen.bytes,
        baseline: 146,
        note: `bytes of a dense F32 change of all ${denseBytes / F32_BYTES} weights of the nano base over those of an update of rank 8 as it is sent by default (baseline: Covenant, arXiv 2603.08163); ${(adapterBytes / chosen.bytes).toFixed(1)} times less than the adapter in F32`,
      },
      { atLeast: 146 },
    ),
    valueRow(
      {
        name: 'learn.bytes.kept',
        unit: 'of the gain',
        value: chosen.kept,
        baseline: null,
        note: `share of the held-out loss removed by ${STEPS} steps (${before.toFixed(3)} to ${after.toFixed(3)}) that is left after compression, without what later updates bring: ${table.join('; ')}`,
      },
      { atLeast: 0.99 },
    ),
  ]
}

/** What error feedback does in rounds that leave much out: told, whichever way it goes. */
async function severalRounds({ laboratory, training, heldOut, beginning }: World): Promise<string> {
  const steps = STEPS / ROUNDS
  const run = async (compression: CompressionSettings | null, hasFeedback: boolean) => {
    let parent = beginning
    let residual: Adapter | null = null
    const losses: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const settings = { steps, learningRate: LEARNING_RATE, seed: 7 + round }
      const update = await laboratory.train('update', training, parent, settings)
      if (compression === null) parent = update
      else {
        const sent = await compressUpdate(update, { parent, settings: compression, residual })
        parent = sent.decoded
        residual = hasFeedback ? sent.residual : null
      }
      losses.push(await laboratory.loss(parent, heldOut))
    }
    return losses
  }
  const [dense, without, with_] = [await run(null, false), await run(SCARCE, false), await run(SCARCE, true)]
  const text = (losses: readonly number[]) => losses.map(loss => loss.toFixed(3)).join(' ')
  return `One learner in ${ROUNDS} rounds of ${steps} steps with ${percent(SCARCE.density)} of the weights at ${SCARCE.bits} bits, held-out loss after each: uncompressed ${text(dense)}; what was left out lost ${text(without)}; added to the next update ${text(with_)}`
}

async function parametersOf(path: string): Promise<number> {
  const { tensors } = await readGgufHead(path)
  return tensors.reduce((sum, { shape }) => sum + shape.reduce((size, dimension) => size * dimension, 1), 0)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
