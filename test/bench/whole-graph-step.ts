import { jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax'
import { linearSizes } from '../../inference/learning/jax/base-shape.ts'
import { BaseWeights } from '../../inference/learning/jax/base-weights.ts'
import { attentionMask, positionsOf, rotaryTables } from '../../inference/learning/jax/rotary.ts'

type Pair = { a: np.Array; b: np.Array }
type Factors = { output: Pair; blocks: Record<string, Pair>[] }
type Constants = { cosines: np.Array; sines: np.Array; mask: np.Array }

/**
 * A step of training as one would write it first, for comparing: the whole qwen3 model as one function, one-hot
 * vectors for embedding and loss, matrices transposed beforehand, `valueAndGrad` and Adam in one `jit`. All of it is in
 * memory at once, and every position's logits are computed.
 * @returns a step on a batch of rows, which gives its loss
 */
export async function wholeGraphStep(
  path: string,
  { rows, tokens, rank, alpha }: { rows: number; tokens: number; rank: number; alpha: number },
) {
  const weights = await BaseWeights.open(path)
  const { shape } = weights.base
  const { layers, width, heads, kvHeads, headDim, vocabulary, normEpsilon } = shape
  const n = rows * tokens
  const scale = alpha / rank
  const vector = (name: string) => array(weights.read(name), null)
  const matrix = (name: string, inputs: number, outputs: number) =>
    array(turned(weights.read(`${name}.weight`), outputs), [inputs, outputs])
  const sizes = Object.entries(linearSizes(shape))
  const frozen = {
    embedding: array(weights.read('token_embd.weight'), [vocabulary, width]),
    norm: vector('output_norm.weight'),
    output: matrix('output', width, vocabulary),
    blocks: Array.from({ length: layers }, (_, layer) => ({
      linears: Object.fromEntries(
        sizes.map(([name, { inputs, outputs }]) => [name, matrix(`blk.${layer}.${name}`, inputs, outputs)]),
      ),
      vectors: Object.fromEntries(shape.vectors.map(name => [name, vector(`blk.${layer}.${name}`)])),
    })),
  }
  weights.close()
  const pair = (inputs: number, outputs: number): Pair => ({
    a: array(
      Float32Array.from({ length: inputs * rank }, (_, i) => ((i * 7919) % 101) / 2500 - 0.02),
      [inputs, rank],
    ),
    b: array(new Float32Array(rank * outputs), [rank, outputs]),
  })
  let factors: Factors = {
    output: pair(width, vocabulary),
    blocks: Array.from({ length: layers }, () =>
      Object.fromEntries(sizes.map(([name, { inputs, outputs }]) => [name, pair(inputs, outputs)])),
    ),
  }
  const zeros = () => tree.map((x: np.Array) => np.zeros(x.shape), tree.ref(factors)) as Factors
  let [first, second] = [zeros(), zeros()]
  const { cosines, sines } = rotaryTables(shape, positionsOf(null, 1, tokens), null)
  const constants: Constants = {
    cosines: array(cosines, [1, tokens, 1, headDim]),
    // Signed for a rotation that exchanges halves without negating one.
    sines: array(sines, [1, tokens, 1, headDim]),
    mask: array(attentionMask(null, 1, tokens), [1, 1, 1, tokens, tokens]),
  }

  const linear = (x: np.Array, weight: np.Array, { a, b }: Pair) =>
    np.matmul(x.ref, weight).add(np.matmul(np.matmul(x, a), b).mul(scale))
  const normalized = (x: np.Array, weight: np.Array) => {
    const mean = np.mean(np.square(x.ref), -1, { keepdims: true })
    return x.div(np.sqrt(mean.add(normEpsilon))).mul(weight)
  }
  const rotated = (x: np.Array, { cosines, sines }: Constants) => {
    const [low, high] = np.split(x.ref, 2, -1) as [np.Array, np.Array]
    return x.mul(cosines.ref).add(np.concatenate([high, low], -1).mul(sines.ref))
  }
  const loss = (
    p: Factors,
    f: typeof frozen,
    inputs: np.Array,
    targets: np.Array,
    parts: np.Array,
    c: Constants,
  ) => {
    const groups = heads / kvHeads
    let hidden = np.matmul(nn.oneHot(inputs, vocabulary).reshape([n, vocabulary]), f.embedding)
    hidden = hidden.reshape([rows, tokens, width])
    for (const [layer, block] of f.blocks.entries()) {
      const { linears, vectors } = block as unknown as Record<string, Record<string, np.Array>>
      const project = (name: string, x: np.Array) => linear(x, linears![name]!, p.blocks[layer]![name]!)
      const x = normalized(hidden.ref, vectors!['attn_norm.weight']!)
      const head = (name: string, count: number) =>
        rotated(
          normalized(
            project(name, x.ref).reshape([rows, tokens, count, headDim]),
            vectors![`${name}_norm.weight`]!,
          ),
          c,
        )
      const q = head('attn_q', heads)
        .reshape([rows, tokens, kvHeads, groups, headDim])
        .transpose([0, 2, 3, 1, 4])
      const k = head('attn_k', kvHeads)
        .reshape([rows, tokens, kvHeads, 1, headDim])
        .transpose([0, 2, 3, 4, 1])
      const v = project('attn_v', x).reshape([rows, tokens, kvHeads, 1, headDim]).transpose([0, 2, 3, 1, 4])
      const shares = nn.softmax(
        np
          .matmul(q, k)
          .mul(headDim ** -0.5)
          .add(c.mask.ref),
        -1,
      )
      const mixed = np
        .matmul(shares, v)
        .transpose([0, 3, 1, 2, 4])
        .reshape([rows, tokens, heads * headDim])
      hidden = hidden.add(project('attn_output', mixed))
      const y = normalized(hidden.ref, vectors!['ffn_norm.weight']!)
      const fed = nn.silu(project('ffn_gate', y.ref)).mul(project('ffn_up', y))
      hidden = hidden.add(project('ffn_down', fed))
    }
    tree.dispose(c)
    const foretold = nn.logSoftmax(linear(normalized(hidden, f.norm), f.output, p.output), -1)
    const hits = np.sum(foretold.mul(nn.oneHot(targets, vocabulary)), -1)
    return np.sum(hits.mul(parts)).neg()
  }
  const derived = valueAndGrad(loss)
  const step = jit(
    (
      p: Factors,
      m: Factors,
      v: Factors,
      f: typeof frozen,
      inputs: np.Array,
      targets: np.Array,
      parts: np.Array,
      c: Constants,
    ) => {
      const [value, gradients] = derived(tree.ref(p), f, inputs, targets, parts, c) as unknown as [
        np.Array,
        Factors,
      ]
      const mixed = (old: np.Array, now: np.Array, share: number) => old.mul(share).add(now.mul(1 - share))
      const m2 = tree.map((old: np.Array, g: np.Array) => mixed(old, g, 0.9), m, tree.ref(gradients))
      const v2 = tree.map((old: np.Array, g: np.Array) => mixed(old, np.square(g), 0.99), v, gradients)
      const p2 = tree.map(
        (x: np.Array, a: np.Array, b: np.Array) => x.sub(a.div(np.sqrt(b).add(1e-8)).mul(1e-4)),
        p,
        tree.ref(m2) as unknown as Factors,
        tree.ref(v2) as unknown as Factors,
      )
      return [p2, m2, v2, value] as unknown as [Factors, Factors, Factors, np.Array]
    },
  )
  return {
    async step(batch: { tokens: Int32Array; targets: Int32Array; weights: Float32Array }): Promise<number> {
      const sum = batch.weights.reduce((all, weight) => all + weight, 0)
      const [p, m, v, value] = step(
        factors,
        first,
        second,
        tree.ref(frozen),
        array(batch.tokens, [rows, tokens]),
        array(batch.targets, [rows, tokens]),
        array(
          batch.weights.map(weight => weight / sum),
          [rows, tokens],
        ),
        tree.ref(constants),
      ) as unknown as [Factors, Factors, Factors, np.Array]
      ;[factors, first, second] = [p, m, v]
      const [found] = (await value.data()) as Float32Array
      // Nothing else waits for the new factors, which are part of the step.
      for (const leaf of tree.leaves(factors)) await (leaf as np.Array).blockUntilReady()
      return found!
    },
    close(): void {
      for (const arrays of [factors, first, second, frozen, constants]) tree.dispose(arrays)
      step.dispose()
    },
  }
}

function array(values: Float32Array | Int32Array, shape: number[] | null): np.Array {
  return np
    .array(values as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)
    .reshape(shape ?? [values.length])
}

/** [rows][columns] as [columns][rows]. */
function turned(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows
  return Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!)
}
