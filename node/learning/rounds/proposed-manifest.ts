import { BLOCK_MODULES } from '../../../inference/learning/block-modules.ts'
import { encodeMessage } from '../../../protocol/codec.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { Address, ModelId } from '../../../protocol/ids.ts'
import type { BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { HiddenValidation } from '../../../protocol/messages/learning/common.ts'
import {
  type DataFormat,
  type RoundDeadlines,
  type RoundManifest,
  type RoundParent,
  type RoundPrivacy,
  type RoundRule,
  roundManifestMessage,
  type TrainBudget,
  type UpdateEncoding,
} from '../../../protocol/messages/learning/round-manifest.ts'
import { RoundError } from './errors.ts'

/** What a proposer may choose; everything else has a default. */
export interface RoundProposal {
  base: ModelId
  name: string
  domain: string
  format?: DataFormat
  rank?: number
  alpha?: number
  modules?: string[]
  freezeA?: boolean
  training?: Partial<TrainBudget>
  /** How long members may train. */
  trainForMs: number
  /** How long members may join; default a sixth of the training, at least a minute and at most ten. */
  joinForMs?: number
  /** Scoring, aggregating and voting together; default half of the training, at least five minutes. */
  judgeForMs?: number
  minimumUpdates?: number
  maximumMembers?: number
  leastStake?: bigint
  quorumStake?: bigint
  rule?: RoundRule
  outerLearningRate?: number
  encoding?: UpdateEncoding
  privacy?: RoundPrivacy | null
  reward?: bigint
}

/** What goes into a manifest beside the choices. */
export interface ProposalFacts {
  wallet: Address
  parent: RoundParent | null
  validation: HiddenValidation[]
  general: BlobRef | null
  nowMs: number
  /** For the first factors of an adapter, 32 bits. */
  seed: number
}

const MINUTE_MS = 60_000
/** Shares of the time for judging, phase by phase. */
const JUDGING = { commit: 0.1, reveal: 0.25, score: 0.6, aggregate: 0.8, vote: 0.95, publish: 1 }
const DEFAULT_TRAINING = {
  steps: 200,
  batchRows: 4,
  rowTokens: 256,
  accumulation: 1,
  learningRate: 3e-3,
}

/**
 * A manifest of a proposer's choices.
 * @throws {RoundError} BAD_PROPOSAL when they contradict each other
 */
export function proposedManifest(proposal: RoundProposal, facts: ProposalFacts): RoundManifest {
  const { privacy = null } = proposal
  const manifest: RoundManifest = {
    version: 1,
    wallet: facts.wallet,
    base: proposal.base,
    parent: facts.parent,
    name: proposal.name,
    rank: proposal.rank ?? 8,
    alpha: proposal.alpha ?? 16,
    modules: proposal.modules ?? [...BLOCK_MODULES],
    freezeA: privacy !== null || (proposal.freezeA ?? false),
    domain: proposal.domain,
    format: proposal.format ?? 'any',
    training: { ...DEFAULT_TRAINING, seed: facts.seed, ...proposal.training },
    validation: facts.validation,
    general: facts.general,
    deadlines: deadlinesOf(proposal, facts.nowMs),
    minimumUpdates: proposal.minimumUpdates ?? 2,
    maximumMembers: proposal.maximumMembers ?? 32,
    leastStake: proposal.leastStake ?? 1n,
    quorumStake: proposal.quorumStake ?? 0n,
    aggregateAttempts: 4,
    rule: proposal.rule ?? 'default',
    trusted: null,
    outerLearningRate: proposal.outerLearningRate ?? 1,
    encoding: proposal.encoding ?? 'gguf',
    privacy,
    lossTolerance: 50_000,
    regressionTolerance: 20_000,
    reward: proposal.reward ?? 0n,
  }
  try {
    encodeMessage(roundManifestMessage, manifest)
  } catch (error) {
    if (!isShoalError(error)) throw error
    throw new RoundError('BAD_PROPOSAL', error.message, {
      fix: 'Change what contradicts itself.',
      cause: error,
    })
  }
  return manifest
}

function deadlinesOf({ trainForMs, ...rest }: RoundProposal, nowMs: number): RoundDeadlines {
  const { joinForMs = Math.min(10 * MINUTE_MS, Math.max(MINUTE_MS, trainForMs / 6)) } = rest
  const { judgeForMs = Math.max(5 * MINUTE_MS, trainForMs / 2) } = rest
  const joinMs = Math.round(nowMs + joinForMs)
  const trainMs = Math.round(joinMs + trainForMs)
  const at = (share: number) => Math.round(trainMs + share * judgeForMs)
  return {
    ...{ joinMs, trainMs, commitMs: at(JUDGING.commit), revealMs: at(JUDGING.reveal) },
    ...{ scoreMs: at(JUDGING.score), aggregateMs: at(JUDGING.aggregate), voteMs: at(JUDGING.vote) },
    publishMs: at(JUDGING.publish),
  }
}
