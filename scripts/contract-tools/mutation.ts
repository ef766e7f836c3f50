import { seededRandom } from '../../test/helpers/seeded-random.ts'
import type { CompiledContract } from './compiler.ts'
import type { Mutant } from './mutants.ts'

/**
 * What became of a mutant. Those that do not compile (`invalid`), that compile to the code of the original
 * (`equivalent`) or of a mutant before (`duplicate`) say nothing of the tests and do not count.
 */
export type Fate = 'killed' | 'survived' | 'invalid' | 'equivalent' | 'duplicate'

export interface Outcome {
  mutant: Mutant
  fate: Fate
  /** The tests that noticed it; empty unless killed. */
  by: string
}

/** One place where mutants are compiled and tested, one at a time. */
export interface Bench {
  /** @returns undefined when it does not compile; the original for no mutant */
  compile(mutant: Mutant | undefined): Promise<CompiledContract | undefined>
  /** @returns which tests failed; undefined when all passed */
  test(mutant: Mutant, compiled: CompiledContract): Promise<string | undefined>
}

/**
 * Tests mutants, each bench taking the next one as soon as it is free.
 * @param report called with each outcome as it comes
 * @returns the outcomes in the order of `mutants`
 */
export async function testMutants(
  mutants: readonly Mutant[],
  benches: readonly Bench[],
  report: (outcome: Outcome, done: number) => void = () => {},
): Promise<Outcome[]> {
  const original = await benches[0]!.compile(undefined)
  const met = new Map([[original?.bytecode, 'equivalent' as const]] as [string | undefined, Fate][])
  const outcomes: Outcome[] = []
  let next = 0
  let done = 0
  const work = async (bench: Bench): Promise<void> => {
    for (let index = next++; index < mutants.length; index = next++) {
      const mutant = mutants[index]!
      const outcome = { mutant, ...(await fateOf(mutant, bench)) }
      outcomes[index] = outcome
      report(outcome, ++done)
    }
  }
  const fateOf = async (mutant: Mutant, bench: Bench): Promise<{ fate: Fate; by: string }> => {
    const compiled = await bench.compile(mutant)
    if (compiled === undefined) return { fate: 'invalid', by: '' }
    const known = met.get(compiled.bytecode)
    if (known !== undefined) return { fate: known, by: '' }
    met.set(compiled.bytecode, 'duplicate')
    const by = await bench.test(mutant, compiled)
    return by === undefined ? { fate: 'survived', by: '' } : { fate: 'killed', by }
  }
  await Promise.all(benches.map(work))
  return outcomes
}

/** Killed mutants among those that count, from 0 to 1; 0 when none counts, so that no test passes for want of mutants. */
export function scoreOf(outcomes: readonly Outcome[]): number {
  const { killed, survived } = countFates(outcomes)
  return killed + survived === 0 ? 0 : killed / (killed + survived)
}

export function countFates(outcomes: readonly Outcome[]): Record<Fate, number> {
  const counts = { killed: 0, survived: 0, invalid: 0, equivalent: 0, duplicate: 0 }
  for (const { fate } of outcomes) counts[fate]++
  return counts
}

/**
 * Some of the mutants, in their order.
 * @param seed equal seeds choose the same ones
 */
export function sampleOf(mutants: readonly Mutant[], size: number, seed: number): Mutant[] {
  const random = seededRandom(seed)
  const keyed = mutants.map((mutant, index) => ({ mutant, index, key: random() }))
  const chosen = keyed.sort((a, b) => a.key - b.key).slice(0, size)
  return chosen.sort((a, b) => a.index - b.index).map(({ mutant }) => mutant)
}
