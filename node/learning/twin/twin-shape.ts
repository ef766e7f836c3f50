import type { AdapterShape } from '../../../inference/learning/adapter.ts'
import { layersOf } from '../../../inference/learning/adapter-shape.ts'
import { BLOCK_MODULES } from '../../../inference/learning/block-modules.ts'
import type { ModuleKind } from '../../../inference/learning/training-settings.ts'
import { TwinError } from './errors.ts'

/** What a twin may take on disk, bytes: 10 MB. */
export const MAX_TWIN_BYTES = 10_000_000
const MAX_RANK = 16
/** Of a file, beside its weights: names of tensors and padding. */
const HEAD_BYTES = 4_096
const MODULE_HEAD_BYTES = 256
const FLOAT_BYTES = 4

/** Layers that learn, from all of a block to the two that matter most for their size (Hu et al., 2021, section 7.1). */
const CHOICES: readonly (readonly ModuleKind[])[] = [
  BLOCK_MODULES,
  ['attn_q', 'attn_k', 'attn_v', 'attn_output'],
  ['attn_q', 'attn_v'],
]

/** Bytes of a file with adapters of some layers. */
export function adapterBytes(modules: readonly { inputs: number; outputs: number }[], rank: number): number {
  const perRank = modules.reduce((sum, { inputs, outputs }) => sum + inputs + outputs, 0)
  return HEAD_BYTES + modules.length * MODULE_HEAD_BYTES + perRank * rank * FLOAT_BYTES
}

/**
 * The largest rank at which a twin of these layers fits, at most 16.
 * @returns 0 where not even one fits
 */
export function rankThatFits(modules: readonly { inputs: number; outputs: number }[]): number {
  let rank = MAX_RANK
  while (rank > 0 && adapterBytes(modules, rank) > MAX_TWIN_BYTES) rank--
  return rank
}

/** Which layers of a base a twin can have, at which rank. @throws {TwinError} TWIN_TOO_LARGE */
export function twinShape(shape: AdapterShape): { modules: ModuleKind[]; rank: number } {
  for (const modules of CHOICES) {
    const rank = rankThatFits(layersOf(shape, modules))
    if (rank >= 2 || (rank === 1 && modules === CHOICES.at(-1))) return { modules: [...modules], rank }
  }
  throw new TwinError('TWIN_TOO_LARGE', `no adapter of this base fits into ${MAX_TWIN_BYTES} bytes`, {
    fix: 'Choose a smaller base.',
  })
}
