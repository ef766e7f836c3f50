import type { AdapterModule, ModuleShape } from './adapter.ts'
import { SeededNumbers } from './seeded-numbers.ts'

/**
 * The factors that training begins with: B = 0, so that nothing is changed yet, and A uniform within ±1/√inputs (He et
 * al., arXiv 1502.01852, with the gain that PEFT uses). A comes from the seed alone, bit by bit the same everywhere:
 * nodes that freeze it need not exchange it.
 */
export function initialFactors(
  shapes: readonly ModuleShape[],
  options: { rank: number; seed: number },
): AdapterModule[] {
  return shapes.map(({ name, inputs, outputs }) => {
    const numbers = new SeededNumbers(options.seed, `factor ${name} ${options.rank}`)
    const bound = 1 / Math.sqrt(inputs)
    const a = new Float32Array(options.rank * inputs)
    for (let i = 0; i < a.length; i++) a[i] = numbers.symmetric() * bound
    return { name, inputs, outputs, a, b: new Float32Array(outputs * options.rank) }
  })
}
