import type { DecisionView, PolicyView } from '../node/gateway/route-views.ts'
import type { Estimate } from '../node/market/routing/learning/estimate.ts'
import { readPolicyFile } from '../node/market/routing/learning/policy-file.ts'
import type { PolicySettings } from '../node/market/routing/learning/policy-settings.ts'
import type { Replay } from '../node/market/routing/learning/replay.ts'
import { modelName, paint, properties, shortPeer, table } from './ui/output.ts'
import { count, readableCredits, readableTime } from './ui/readable.ts'

/** What people are shown of how providers are chosen. */

/** @throws {LearningError} POLICY_UNREADABLE, POLICY_INVALID */
export function policyFrom(file: string): Promise<PolicySettings> {
  return readPolicyFile(file)
}

export function describeDecisions(decisions: readonly DecisionView[], columns: number): string {
  return decisions
    .map((decision, index) => describeDecision(decision, { attempt: index + 1, columns }))
    .join('\n\n')
}

function describeDecision(decision: DecisionView, options: { attempt: number; columns: number }): string {
  const { candidates, outcomes } = decision
  const ruledOut = Object.entries(decision.ruledOut)
    .sort((a, b) => b[1] - a[1])
    .map(([why, listings]) => `${listings} ${why.replaceAll('_', ' ')}`)
  return [
    paint('bold', `Attempt ${options.attempt}, ${readableTime(decision.at)}`),
    properties([
      ['Chosen', `${who(candidates[0]!)}, ${reason(decision)}`],
      ['For', `${decision.taskClass}, model ${decision.model ?? 'any'}, strategy ${decision.strategy}`],
      ['Policy', decision.policy ?? 'had nothing to decide'],
      ['Ruled out', ruledOut.join(', ') || 'nobody'],
      ...outcomes.map(
        outcome =>
          [
            'Outcome',
            `${who(outcome)} ${outcome.status} in ${ms(outcome.totalMs)}${outcome.firstTokenMs === null ? '' : ` (first token after ${ms(outcome.firstTokenMs)})`}, ` +
              `${count(outcome.outputTokens, 'token')} for ${readableCredits(outcome.paid)} credits` +
              `${outcome.reward === null ? '' : `, worth ${two(outcome.reward)}`}${outcome.quality === null ? '' : `, rated ${two(outcome.quality)}`}`,
          ] as const,
      ),
      ...(outcomes.length === 0
        ? [['Outcome', 'not known; the task was cancelled or still runs'] as const]
        : []),
    ]),
    table(
      [
        'PROVIDER',
        'MODEL',
        'SCORE',
        'COST',
        'TIME',
        'QUALITY',
        'PRIVACY',
        'NEAR',
        'TRUST',
        'LEARNED',
        'CHANCE',
        'CREDITS',
        'FIRST',
        'LAST',
      ],
      candidates.map(candidate => {
        const { parts, expected } = candidate
        return [
          shortName(candidate.provider) + (candidate.newcomer ? ' (new)' : ''),
          modelName(candidate.model),
          two(candidate.score),
          ...[parts.cost, parts.time, parts.quality, parts.privacy, parts.nearness].map(two),
          two(candidate.trust),
          candidate.learned === null ? '-' : signed(candidate.learned),
          percent(candidate.chance),
          readableCredits(expected.credits),
          ms(expected.firstTokenMs),
          ms(expected.totalMs),
        ]
      }),
      {
        columns: options.columns,
        mayLack: ['PRIVACY', 'NEAR', 'FIRST', 'LAST', 'CREDITS', 'QUALITY', 'TIME', 'COST'],
      },
    ),
    paint('dim', 'SCORE is the sum of its parts times TRUST; the order goes by SCORE and LEARNED together.'),
  ].join('\n')
}

function reason({ decidedBy, explored, probability, trialShare, candidates }: DecisionView): string {
  const among = `of ${candidates.length} that fit`
  if (decidedBy === 'wish') return `wished for by the task ${among}`
  if (decidedBy === 'trial') {
    const newcomer = `a trial of a newcomer, drawn by chance (${percent(probability)}) to know more of it`
    return trialShare < 1
      ? `${newcomer}; ${percent(trialShare)} of such tasks go to trials`
      : `${newcomer}; nobody that fits is known yet, so all such tasks are trials`
  }
  if (candidates.length === 1) return 'the only one that fits'
  return explored
    ? `tried by chance ${among} (${percent(probability)}), to know more of it`
    : `the best ${among} (chosen with a chance of ${percent(probability)})`
}

export function describeReplays(replays: readonly Replay[], columns: number): string {
  const [first] = replays as [Replay]
  return [
    properties([
      [
        'Decisions',
        [
          String(first.decisions),
          ...(first.learnedFrom === 0
            ? []
            : [`${first.learnedFrom} trials and wishes that are only learned from`]),
          ...(first.leftOut === 0 ? [] : [`${first.leftOut} without an outcome that tells something`]),
        ].join(', and '),
      ],
      ['Worth', `${interval(first.logged)} as it was done`],
    ]),
    table(
      ['POLICY', 'IPS', 'SNIPS', 'DOUBLY ROBUST', 'BETTER BY', 'AS GOOD AS'],
      replays.map(replay => [
        replay.policy,
        interval(replay.inversePropensity),
        interval(replay.selfNormalised),
        interval(replay.doublyRobust),
        `${signed(replay.gain.value)} (${signed(replay.gain.low)} to ${signed(replay.gain.high)})`,
        `${Math.round(replay.effectiveDecisions)} tasks${replay.coverage < 0.99 ? `, ${percent(replay.coverage)} seen` : ''}`,
      ]),
      { columns, mayLack: ['IPS', 'SNIPS'] },
    ),
    ...replays.slice(1).map(verdict),
  ].join('\n\n')
}

function verdict({ policy, gain }: Replay): string {
  if (gain.low > 0) return `${policy} would have been better than what was done.`
  if (gain.high < 0) return `${policy} would have been worse than what was done.`
  return `Between ${policy} and what was done, the log shows no difference that is more than chance.`
}

export function describePolicy(policy: PolicyView, columns: number): string {
  const { settings, file, classes } = policy
  const parts = [
    properties([
      ['Policy', policy.version],
      ['Kind', settings.kind === 'linucb' ? 'linucb, learns from outcomes' : 'greedy, does not learn'],
      [
        'Exploration',
        `${percent(settings.explorationRate)} of the tasks, newcomers ${settings.newcomerWeight} times as likely`,
      ],
      ['Floors', `reliability ${settings.floors.reliability}, quality ${settings.floors.quality}`],
      [
        'Weights',
        Object.keys(settings.weights).length === 0 ? 'as built in' : JSON.stringify(settings.weights),
      ],
      ['File', file.path],
      ...(file.problem === null ? [] : [['Problem', paint('red', file.problem)] as const]),
      ...(policy.droppedLogLines === 0
        ? []
        : [['Log', paint('red', `${count(policy.droppedLogLines, 'line')} could not be written`)] as const]),
    ]),
  ]
  if (classes.length === 0) parts.push('Nothing has been learned yet; scores are used as they are.')
  else {
    parts.push(
      table(
        ['CLASS', 'OUTCOMES', 'LEARNED OF CANDIDATES'],
        classes
          .toSorted((a, b) => b.outcomes - a.outcomes)
          .map(({ taskClass, outcomes, byFeature, byModel }) => [
            taskClass,
            outcomes,
            strongest({
              ...Object.fromEntries(
                Object.entries(byFeature).map(([name, by]) => [name.replaceAll('_', ' '), by]),
              ),
              ...Object.fromEntries(Object.entries(byModel).map(([id, by]) => [modelName(id), by])),
            }),
          ]),
        { columns },
      ),
    )
  }
  return parts.join('\n\n')
}

const SHOWN_CORRECTIONS = 3

function strongest(learned: Readonly<Record<string, number>>): string {
  const shown = Object.entries(learned)
    // The same for all, so that it changes no order.
    .filter(([name]) => name !== 'bias')
    .filter(([, by]) => Math.abs(by) >= 0.005)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, SHOWN_CORRECTIONS)
  return shown.map(([name, by]) => `${name} ${signed(by)}`).join(', ') || 'as the scores say'
}

function who({ provider, model }: { provider: string; model: string }): string {
  return `${shortName(provider)} (${modelName(model)})`
}

function shortName(provider: string): string {
  return provider === 'local' ? 'this node' : provider.startsWith('cloud:') ? provider : shortPeer(provider)
}

function interval({ value, low, high }: Estimate): string {
  return `${two(value)} (${two(low)} to ${two(high)})`
}

function ms(value: number): string {
  return value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(1)} s`
}

function two(value: number): string {
  return value.toFixed(2)
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`
}

function percent(value: number): string {
  return `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`
}
