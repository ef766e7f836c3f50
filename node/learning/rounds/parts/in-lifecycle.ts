import type { LearningLifecycle } from '../../lifecycle/lifecycle.ts'
import type { RoundContext, RoundParts } from '../seams.ts'

type Judging = Pick<RoundParts, 'scorer' | 'aggregator' | 'judge' | 'versions'>

/** Has a round's judging done when the lifecycle lets it: before training, after tasks. */
export function inLifecycle(lifecycle: Pick<LearningLifecycle, 'run'>, parts: Judging): Judging {
  const { scorer, aggregator, judge, versions } = parts
  const run = <T>(
    what: string,
    { manifest }: RoundContext,
    signal: AbortSignal,
    begin: (signal: AbortSignal) => Promise<T>,
  ) => lifecycle.run({ name: `round ${manifest.name} ${what}`, kind: 'aggregating', begin }, { signal })
  return {
    scorer: scorer && {
      score: (context, work, signal) =>
        run('scoring', context, signal, ended => scorer.score(context, work, ended)),
    },
    aggregator: aggregator && {
      aggregate: (context, inputs, signal) =>
        run('aggregating', context, signal, ended => aggregator.aggregate(context, inputs, ended)),
    },
    judge: judge && {
      measure: (context, work, signal) =>
        run('judging', context, signal, ended => judge.measure(context, work, ended)),
    },
    versions,
  }
}
