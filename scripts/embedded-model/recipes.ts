import type { WritableType } from '../../inference/models/quantize.ts'

/** One trained model and the files it is shipped as. */
export interface Recipe {
  name: string
  title: string
  /** Arguments of `train.py`. */
  training: Readonly<Record<string, string | number>>
  files: readonly { name: string; type: WritableType }[]
}

/** Settings common to all: mostly short rows, a little to learn from prompts, half of the run with a falling rate. */
const COMMON = { 'long-every': 12, 'prompt-weight': 0.1, decay: 0.5 }

export const RECIPES: readonly Recipe[] = [
  {
    name: 'nano',
    title: 'Shoal Nano',
    training: {
      ...COMMON,
      layers: 4,
      width: 128,
      heads: 4,
      'kv-heads': 2,
      'head-dim': 32,
      ff: 384,
      steps: 7800,
    },
    files: [{ name: 'shoal-nano-q8_0.gguf', type: 'Q8_0' }],
  },
  {
    name: 'mini',
    title: 'Shoal Mini',
    training: {
      ...COMMON,
      layers: 6,
      width: 256,
      heads: 4,
      'kv-heads': 2,
      'head-dim': 64,
      ff: 704,
      steps: 6000,
    },
    files: [
      { name: 'shoal-mini-q8_0.gguf', type: 'Q8_0' },
      { name: 'shoal-mini-q4_0.gguf', type: 'Q4_0' },
    ],
  },
]
