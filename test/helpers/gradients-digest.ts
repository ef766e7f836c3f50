import { createHash } from 'node:crypto'
import { useThreads } from '../../inference/learning/jax/threads.ts'

/** Of all gradients of a step on a model's file, and of its loss: for comparing processes. */
export async function gradientsDigest(path: string): Promise<string> {
  const { JaxModel } = await import('../../inference/learning/jax/model.ts')
  const model = await JaxModel.open({
    path,
    rank: 4,
    alpha: 8,
    modules: ['attn_q', 'attn_v', 'ffn_down'],
    backend: 'wasm',
    rows: 2,
    rowTokens: 32,
  })
  model.setParameters(
    model.parameters().map(module => ({
      ...module,
      a: module.a.map((_, i) => ((i * 7919) % 101) / 500 - 0.1),
      b: module.b.map((_, i) => ((i * 104_729) % 97) / 500 - 0.1),
    })),
  )
  const tokens = Int32Array.from({ length: 64 }, (_, i) => (i * 31) % 250)
  const { loss, gradients } = await model.gradients({
    tokens,
    targets: tokens.map(token => (token * 7) % 250),
    weights: new Float32Array(64).fill(1),
  })
  model.close()
  const hash = createHash('sha256').update(String(loss))
  for (const { a, b } of gradients) hash.update(a).update(b)
  return hash.digest('hex')
}

if (import.meta.main) {
  const [path, threads] = process.argv.slice(2)
  useThreads(Number(threads))
  process.stdout.write(await gradientsDigest(path!))
}
