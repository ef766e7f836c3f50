import type { Demand } from '../candidate.ts'

/**
 * For which class a policy learns from a demand: its kind of work, apart for each strategy, since a reward is
 * measured by what the strategy wants.
 */
export function learnedClass({ taskClass, preferences }: Pick<Demand, 'taskClass' | 'preferences'>): string {
  return `${taskClass}/${preferences.strategy}`
}
