import { numpy as np } from '@jax-js/jax'
import type { BlockModule } from '../block-modules.ts'
import type { BaseShape, BlockVector } from './base-shape.ts'
import {
  type FactorGradients,
  type Factors,
  inverseRms,
  linear,
  linearGradients,
  normalized,
  normalizedGradient,
} from './operations.ts'

/** Weights of one block as its file has them: matrices [outputs, inputs]. */
export type LayerWeights = {
  linears: { [Name in BlockModule]: np.Array }
  vectors: { [Name in BlockVector]?: np.Array }
}
export type LayerFactors = { [Name in BlockModule]?: Factors }
export type LayerFactorGradients = { [Name in BlockModule]?: FactorGradients }

/**
 * What all layers share in a batch of n = rows · tokens: cosines and signed sines of the angles, laid out as
 * `rotated` wants them, and what keeps tokens from seeing others, [rows, 1, 1, tokens, tokens].
 */
export type LayerContext = { cosines: np.Array; sines: np.Array; mask: np.Array }

/** What the forward pass leaves for the backward pass; matrices are [n, …]. */
export type LayerTrace = {
  input: np.Array
  inputInverse: np.Array
  attentionInput: np.Array
  /** Before the norms of heads, where there are any. */
  heads: { queries?: HeadTrace; keys?: HeadTrace }
  /** [rows, kvHeads, groups · tokens, headDim], turned; queries are scaled. */
  queries: np.Array
  /** [rows, kvHeads, tokens, headDim] */
  keys: np.Array
  values: np.Array
  /** [rows, kvHeads, groups · tokens, tokens]: how much of each value a query takes. */
  shares: np.Array
  mixed: np.Array
  attended: np.Array
  attendedInverse: np.Array
  feedInput: np.Array
  gate: np.Array
  gateShare: np.Array
  up: np.Array
}
type HeadTrace = { plain: np.Array; inverse: np.Array }

export interface LayerSizes {
  shape: BaseShape
  rows: number
  tokens: number
  /** alpha / rank */
  scale: number
  freezeA: boolean
}

/** One block of a decoder of LLaMA's kind: hidden states [n, width] in and out. Owns its arguments. */
export function layerForward(
  sizes: LayerSizes,
  input: np.Array,
  weights: LayerWeights,
  factors: LayerFactors,
  context: LayerContext,
): { output: np.Array; trace: LayerTrace } {
  const { shape, rows, tokens, scale } = sizes
  const { heads, kvHeads, headDim, normEpsilon } = shape
  const { vectors } = weights
  const groups = heads / kvHeads
  const project = (name: BlockModule, x: np.Array) => {
    const plain = linear(x, weights.linears[name], factors[name], scale)
    const bias = vectors[`${name}.bias` as BlockVector]
    return bias === undefined ? plain : plain.add(bias)
  }
  const headTraces: LayerTrace['heads'] = {}
  /** Normed where the architecture has it, and turned by position: [n, count, headDim]. */
  const positioned = (side: 'queries' | 'keys', x: np.Array, count: number) => {
    let y = x.reshape([rows * tokens, count, headDim])
    const weight = vectors[side === 'queries' ? 'attn_q_norm.weight' : 'attn_k_norm.weight']
    if (weight !== undefined) {
      const inverse = inverseRms(y.ref, normEpsilon)
      headTraces[side] = { plain: y.ref, inverse: inverse.ref }
      y = normalized(y, inverse, weight)
    }
    return rotated(sizes, y, context.cosines.ref, context.sines.ref)
  }

  const inputInverse = inverseRms(input.ref, normEpsilon)
  const attentionInput = normalized(input.ref, inputInverse.ref, vectors['attn_norm.weight']!)
  const queries = perKeyHead(
    sizes,
    positioned('queries', project('attn_q', attentionInput.ref), heads).mul(headDim ** -0.5),
    groups,
  )
  const keys = perKeyHead(sizes, positioned('keys', project('attn_k', attentionInput.ref), kvHeads), 1)
  const values = perKeyHead(sizes, project('attn_v', attentionInput.ref), 1)
  context.cosines.dispose()
  context.sines.dispose()
  const scores = np
    .matmul(queries.ref, keys.ref.transpose([0, 1, 3, 2]))
    .reshape([rows, kvHeads, groups, tokens, tokens])
    .add(context.mask)
    .reshape([rows, kvHeads, groups * tokens, tokens])
  const shares = softmax(scores)
  const mixed = perToken(sizes, np.matmul(shares.ref, values.ref), groups)
  const attended = input.ref.add(project('attn_output', mixed.ref))

  const attendedInverse = inverseRms(attended.ref, normEpsilon)
  const feedInput = normalized(attended.ref, attendedInverse.ref, vectors['ffn_norm.weight']!)
  const gate = project('ffn_gate', feedInput.ref)
  const up = project('ffn_up', feedInput.ref)
  // SwiGLU: silu(gate) · up, silu(x) = x · σ(x). Shazeer, arXiv 2002.05202, equation 6.
  const gateShare = np.reciprocal(np.exp(gate.ref.neg()).add(1))
  const fed = gate.ref.mul(gateShare.ref).mul(up.ref)
  const output = attended.ref.add(project('ffn_down', fed))
  return {
    output,
    trace: {
      input,
      inputInverse,
      attentionInput,
      heads: headTraces,
      queries,
      keys,
      values,
      shares,
      mixed,
      attended,
      attendedInverse,
      feedInput,
      gate,
      gateShare,
      up,
    },
  }
}

/**
 * Backpropagation through `layerForward`: every step of it backwards, by the chain rule.
 * @param pull the loss's gradient by the block's output
 * @param wantInput whether the gradient by the block's input is wanted; the first block's serves nobody
 */
export function layerBackward(
  sizes: LayerSizes,
  wantInput: boolean,
  trace: LayerTrace,
  weights: LayerWeights,
  factors: LayerFactors,
  context: Omit<LayerContext, 'mask'>,
  pull: np.Array,
): { input?: np.Array; factors: LayerFactorGradients } {
  const { shape, rows, tokens, scale, freezeA } = sizes
  const { heads, kvHeads, headDim } = shape
  const { vectors } = weights
  const groups = heads / kvHeads
  const n = rows * tokens
  const gradients: LayerFactorGradients = {}
  const back = (name: BlockModule, x: np.Array, by: np.Array, wantInput = true) => {
    const wanted = { input: wantInput, a: !freezeA }
    const { input, ...found } = linearGradients(x, weights.linears[name], factors[name], scale, by, wanted)
    if (found.bTransposed !== undefined) gradients[name] = found
    return input
  }
  const positionedBack = (side: 'queries' | 'keys', by: np.Array) => {
    const unturned = rotated(sizes, by, context.cosines.ref, context.sines.ref.neg())
    const weight = vectors[side === 'queries' ? 'attn_q_norm.weight' : 'attn_k_norm.weight']
    const before = trace.heads[side]
    if (weight === undefined || before === undefined) return unturned.reshape([n, -1])
    return normalizedGradient(before.plain, before.inverse, weight, unturned).reshape([n, -1])
  }

  const fed = trace.gate.ref.mul(trace.gateShare.ref).mul(trace.up.ref)
  const byFed = back('ffn_down', fed, pull.ref)!
  // silu'(x) = σ(x) · (1 + x · (1 − σ(x)))
  const slope = trace.gateShare.ref.mul(trace.gate.ref.mul(trace.gateShare.ref.neg().add(1)).add(1))
  const byGate = byFed.ref.mul(trace.up).mul(slope)
  const byUp = byFed.mul(trace.gate).mul(trace.gateShare)
  const byFeedInput = back('ffn_gate', trace.feedInput.ref, byGate)!.add(
    back('ffn_up', trace.feedInput, byUp)!,
  )
  const byAttended = pull.add(
    normalizedGradient(trace.attended, trace.attendedInverse, vectors['ffn_norm.weight']!, byFeedInput),
  )

  const byMixed = perKeyHead(sizes, back('attn_output', trace.mixed, byAttended.ref)!, groups)
  const byValues = perToken(sizes, np.matmul(trace.shares.ref.transpose([0, 1, 3, 2]), byMixed.ref), 1)
  const byShares = np.matmul(byMixed, trace.values.transpose([0, 1, 3, 2]))
  // Of softmax: s · (g − Σ g s).
  const along = np.sum(byShares.ref.mul(trace.shares.ref), -1)
  const byScores = trace.shares.mul(byShares.sub(along.reshape([...along.shape, 1])))
  const byQueries = perToken(sizes, np.matmul(byScores.ref, trace.keys), groups).mul(headDim ** -0.5)
  const byKeys = perToken(sizes, np.matmul(byScores.transpose([0, 1, 3, 2]), trace.queries), 1)
  const byInputs = [
    back(
      'attn_q',
      trace.attentionInput.ref,
      positionedBack('queries', byQueries.reshape([n, heads, headDim])),
      wantInput,
    ),
    back(
      'attn_k',
      trace.attentionInput.ref,
      positionedBack('keys', byKeys.reshape([n, kvHeads, headDim])),
      wantInput,
    ),
    back('attn_v', trace.attentionInput, byValues, wantInput),
  ]
  context.cosines.dispose()
  context.sines.dispose()
  for (const name of Object.keys(vectors) as BlockVector[])
    if (name.endsWith('.bias')) vectors[name]!.dispose()
  const [q, k, v] = byInputs
  if (q === undefined || k === undefined || v === undefined) {
    for (const array of [byAttended, trace.input, trace.inputInverse, vectors['attn_norm.weight']!])
      array.dispose()
    return { factors: gradients }
  }
  const input = byAttended.add(
    normalizedGradient(trace.input, trace.inputInverse, vectors['attn_norm.weight']!, q.add(k).add(v)),
  )
  return { input, factors: gradients }
}

/**
 * Turns pairs of each head by the angles of its position: [n, count, headDim] in and out. With the sines negated it
 * turns back, which is the gradient too.
 */
function rotated({ shape }: LayerSizes, x: np.Array, cosines: np.Array, sines: np.Array): np.Array {
  const whole = x.shape
  const [n, count] = whole as [number, number]
  const halves = shape.ropePairs === 'halves'
  const pairs = shape.headDim / 2
  const paired = x.reshape([n, count, ...(halves ? [2, pairs] : [pairs, 2])])
  const other = np.flip(paired.ref, halves ? 2 : 3)
  return paired.mul(cosines).add(other.mul(sines)).reshape(whole)
}

/** [n, kvHeads · groups · headDim] as [rows, kvHeads, groups · tokens, headDim]: what shares a head of keys is together. */
function perKeyHead({ shape, rows, tokens }: LayerSizes, x: np.Array, groups: number): np.Array {
  const { kvHeads, headDim } = shape
  return x
    .reshape([rows, tokens, kvHeads, groups, headDim])
    .transpose([0, 2, 3, 1, 4])
    .reshape([rows, kvHeads, groups * tokens, headDim])
}

/** The inverse of `perKeyHead`. */
function perToken({ shape, rows, tokens }: LayerSizes, x: np.Array, groups: number): np.Array {
  const { kvHeads, headDim } = shape
  return x
    .reshape([rows, kvHeads, groups, tokens, headDim])
    .transpose([0, 3, 1, 2, 4])
    .reshape([rows * tokens, kvHeads * groups * headDim])
}

function softmax(x: np.Array): np.Array {
  const column = [...x.shape.slice(0, -1), 1]
  const largest = np.max(x.ref, -1).reshape(column)
  const powers = np.exp(x.sub(largest))
  return powers.ref.mul(np.reciprocal(np.sum(powers, -1)).reshape(column))
}
