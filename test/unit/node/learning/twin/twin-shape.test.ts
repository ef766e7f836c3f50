import { deepEqual, ok, throws } from 'node:assert/strict'
import { layersOf } from '../../../../../inference/learning/adapter-shape.ts'
import { adapterBytes, MAX_TWIN_BYTES, twinShape } from '../../../../../node/learning/twin/twin-shape.ts'
import { isShoalError } from '../../../../../protocol/errors.ts'

/** A base as llama and qwen are made. */
function base(layers: number, width: number, keys: number, ff: number) {
  const modules = Array.from({ length: layers }, (_, i) => [
    { name: `blk.${i}.attn_q`, inputs: width, outputs: width },
    { name: `blk.${i}.attn_k`, inputs: width, outputs: keys },
    { name: `blk.${i}.attn_v`, inputs: width, outputs: keys },
    { name: `blk.${i}.attn_output`, inputs: width, outputs: width },
    { name: `blk.${i}.ffn_gate`, inputs: width, outputs: ff },
    { name: `blk.${i}.ffn_up`, inputs: width, outputs: ff },
    { name: `blk.${i}.ffn_down`, inputs: ff, outputs: width },
  ]).flat()
  return { architecture: 'qwen3', digest: 'sha256:00', modules }
}

describe('the shape of a twin', () => {
  it('is as large as 10 MB allow, in all layers where that is possible', () => {
    const cases: [ReturnType<typeof base>, { rank: number; modules: number }][] = [
      [base(6, 192, 64, 512), { rank: 16, modules: 7 }],
      [base(28, 1_024, 1_024, 3_072), { rank: 4, modules: 7 }],
      [base(28, 2_048, 1_024, 6_144), { rank: 2, modules: 7 }],
      [base(36, 4_096, 1_024, 12_288), { rank: 2, modules: 4 }],
    ]
    for (const [shape, expected] of cases) {
      const { rank, modules } = twinShape(shape)
      deepEqual({ rank, modules: modules.length }, expected)
      ok(adapterBytes(layersOf(shape, modules), rank) <= MAX_TWIN_BYTES)
    }
  })

  it('is refused where nothing fits', () => {
    throws(
      () => twinShape(base(400, 16_384, 16_384, 1)),
      error => isShoalError(error, 'TWIN_TOO_LARGE'),
    )
  })
})
