import { randomBytes } from 'node:crypto'
import type { ModelId } from '../../protocol/ids.ts'
import { parseModelId } from '../../protocol/ids.ts'
import { parseCredits } from '../../protocol/money.ts'
import { systemClock } from '../clock.ts'
import { RoundError } from '../learning/rounds/errors.ts'
import { publicTextsFrom } from '../learning/rounds/parts/validation.ts'
import type { RoundProposal } from '../learning/rounds/proposed-manifest.ts'
import type { KnownRound } from '../learning/rounds/rounds.ts'
import type { ShoalNode } from '../node.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { learningMethods } from './learning-methods.ts'
import { findRound, learningView, roundDetailView, roundView } from './learning-views.ts'

/** What the commands about rounds do. */
export function learningHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof learningMethods> {
  const { learner } = node.parts
  const find = (name: string): KnownRound => {
    const round = findRound(learner.rounds.list(), name)
    if (round !== null) return learner.rounds.get(round)
    throw new RoundError('ROUND_UNKNOWN', `no round here is called ${name}, or several are`, {
      fix: 'See which there are: shoal learn rounds.',
    })
  }
  return {
    learning: () => learningView(learner),
    rounds: () => learner.rounds.list().map(roundView),
    round: ({ round }) => roundDetailView(find(round)),
    joinRound: async ({ round }) => {
      const known = find(round)
      await learner.rounds.join(known.state.round)
      return roundDetailView(learner.rounds.get(known.state.round))
    },
    proposeRound: async ({ base, name, general, validation, join, ...choices }) => {
      const { steps, batchRows, rowTokens, learningRate, noise, clipNorm, deltaExponent, ...rest } = choices
      const { leastStake, quorumStake, reward, ...plain } = rest
      const baseId = await baseFor(node, base)
      const amounts = { leastStake, quorumStake, reward }
      const proposal = {
        ...plain,
        ...withoutUndefined(amounts, parseCredits),
        base: baseId,
        name: name ?? plain.domain,
        training: withoutUndefined({ steps, batchRows, rowTokens, learningRate }, value => value),
        privacy: noise === null ? null : { noiseMultiplier: noise, clipNorm, deltaExponent },
      } as RoundProposal
      const round = await learner.propose(proposal, {
        ...{ generalPath: general, join, nowMs: systemClock.nowMs() },
        validation: publicTextsFrom(validation, plain.domain),
        seed: randomBytes(4).readUInt32BE(),
      })
      return roundDetailView(learner.rounds.get(round))
    },
  }
}

/** The model that is asked for, or the one that is served, without what it wears. */
async function baseFor(node: ShoalNode, name: string | null): Promise<ModelId> {
  const { engine, catalog } = node.parts
  const served = engine.status().models
  if (name === null) {
    const first = served[0]
    if (first !== undefined) return first.base ?? first.id
    throw new RoundError('BAD_PROPOSAL', 'this node serves no model that could be the base', {
      fix: 'Name one: shoal learn propose --base shoal-mini.',
    })
  }
  const loaded = served.find(({ id }) => id === name || parseModelId(id)?.name === name)
  return loaded === undefined ? (await catalog.resolve(name)).id : (loaded.base ?? loaded.id)
}

function withoutUndefined<T, R>(
  values: Record<string, T | undefined>,
  convert: (value: T) => R,
): Record<string, R> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, convert(value)]])),
  )
}
